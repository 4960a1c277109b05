package redisstore

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"time"

	"github.com/holdfast-dev/holdfast/reservation"
)

// encoder builds the keys and arguments of one script call. A key stands there once, however many
// requests of the batch name it.
type encoder struct {
	stock   stockKeys
	keys    []string
	indexes map[string]int
	args    []any
}

func newEncoder(stock stockKeys) *encoder {
	fixed := stock.fixed()
	return &encoder{stock: stock, keys: fixed[:], indexes: make(map[string]int)}
}

// key declares a key and adds its index in KEYS as an argument.
func (e *encoder) key(name string) {
	index, ok := e.indexes[name]
	if !ok {
		e.keys = append(e.keys, name)
		index = len(e.keys)
		e.indexes[name] = index
	}
	e.args = append(e.args, index)
}

func (e *encoder) number(n int64)  { e.args = append(e.args, n) }
func (e *encoder) text(s string)   { e.args = append(e.args, s) }
func (e *encoder) count(n int)     { e.args = append(e.args, n) }
func (e *encoder) flag(value bool) { e.args = append(e.args, boolToInt(value)) }

// time adds a time in ms; the zero time is 0.
func (e *encoder) time(t time.Time) {
	if t.IsZero() {
		e.number(0)
		return
	}
	e.number(t.UnixMilli())
}

// skuLines adds the number of lines and of each the SKU's index in KEYS and its units.
func (e *encoder) skuLines(lines reservation.Lines) {
	e.count(lines.Len())
	for _, line := range lines.All() {
		e.key(e.stock.sku(line.SKU))
		e.number(line.Quantity.Units())
	}
}

// namedLines adds lines of a reservation that a call names, under its request id; 0 for none.
func (e *encoder) namedLines(
	call string, id reservation.ReservationID, request reservation.RequestID,
	lines reservation.Lines,
) {
	if lines.IsZero() {
		e.number(0)
		return
	}
	e.key(e.stock.request(request))
	e.text(newContent(call).text(id.String()).lines(lines).fingerprint())
	e.count(lines.Len())
	for _, line := range lines.All() {
		e.text(line.SKU.String())
		e.number(line.Quantity.Units())
	}
}

func boolToInt(value bool) int {
	if value {
		return 1
	}
	return 0
}

// fingerprintBytes is how much of the SHA-256 of a content is kept. Only contents under one id are
// ever compared, so 96 bits leave no room for chance.
const fingerprintBytes = 12

// content gathers what a repeat must have in common with the first call: the call and its fields as
// understood. A field that is added later counts only when it is set, so that two versions agree.
type content struct{ bytes []byte }

func newContent(call string) *content {
	return (&content{bytes: make([]byte, 0, 256)}).text(call)
}

func (c *content) text(s string) *content {
	c.bytes = binary.AppendUvarint(c.bytes, uint64(len(s)))
	c.bytes = append(c.bytes, s...)
	return c
}

func (c *content) number(n int64) *content {
	c.bytes = binary.AppendVarint(c.bytes, n)
	return c
}

func (c *content) lines(lines reservation.Lines) *content {
	c.number(int64(lines.Len()))
	for _, line := range lines.All() {
		c.text(line.SKU.String()).number(line.Quantity.Units())
	}
	return c
}

// optional adds a field that counts only when it is set.
func (c *content) optional(field, value string) *content {
	if value != "" {
		c.text(field).text(value)
	}
	return c
}

// fingerprint returns a short text that differs wherever the content does.
func (c *content) fingerprint() string {
	sum := sha256.Sum256(c.bytes)
	return base64.RawURLEncoding.EncodeToString(sum[:fingerprintBytes])
}
