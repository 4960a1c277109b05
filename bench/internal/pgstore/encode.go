package pgstore

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"slices"

	"github.com/holdfast-dev/holdfast/reservation"
)

// content gathers what a repeat must have in common with the first call.
type content []byte

func (c content) text(s string) content {
	return append(binary.AppendUvarint(c, uint64(len(s))), s...)
}

func (c content) number(n int64) content { return binary.AppendVarint(c, n) }

func (c content) lines(lines reservation.Lines) content {
	c = c.number(int64(lines.Len()))
	for _, line := range lines.All() {
		c = c.text(line.SKU.String()).number(line.Quantity.Units())
	}
	return c
}

// fingerprint returns a short text that differs wherever the content does.
func (c content) fingerprint() string {
	sum := sha256.Sum256(c)
	return base64.RawURLEncoding.EncodeToString(sum[:12])
}

// places gives every SKU that is named a place, in the order of the SKUs' bytes: the order in which
// rows are locked, so that no two calls wait for each other.
type places struct {
	skus  []string
	lines []int32 // the place of each line's SKU, from 1
	units []int64
}

func placesOf(all ...reservation.Lines) places {
	var p places
	for _, lines := range all {
		for _, line := range lines.All() {
			p.skus = append(p.skus, line.SKU.String())
			p.units = append(p.units, line.Quantity.Units())
		}
	}
	slices.Sort(p.skus)
	p.skus = slices.Compact(p.skus)
	p.lines = make([]int32, 0, len(p.units))
	for _, lines := range all {
		for _, line := range lines.All() {
			at, _ := slices.BinarySearch(p.skus, line.SKU.String())
			p.lines = append(p.lines, int32(at+1))
		}
	}
	return p
}
