package redisstore

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/holdfast-dev/holdfast/reservation"
)

// encoder builds the keys and fields of one script call for a batch; see lua/include/fields.lua. It
// is used again for later batches, so that a batch costs no allocation a field.
type encoder struct {
	stock stockKeys
	fixed []string // the keys that every script gets first
	// keyText has the others, one behind the other, keyEnds where each ends: a batch makes one
	// string of them all.
	keyText []byte
	keyEnds []int
	keys    []string // all of them, from call on
	// skus are those that the requests name, each once, however many of them do: a packed list.
	skus    []byte
	numbers map[reservation.SKU]int
	fields  []byte
	args    []any
}

// encoderPool keeps encoders for later batches.
type encoderPool struct{ pool sync.Pool }

// mostKept bounds the buffers of an encoder that is kept for later, in bytes.
const mostKept = 1 << 20

// get returns an empty encoder; fixed is stock.fixed, and put gives the encoder back.
func (p *encoderPool) get(stock stockKeys, fixed []string) *encoder {
	e, ok := p.pool.Get().(*encoder)
	if !ok {
		e = &encoder{numbers: make(map[reservation.SKU]int)}
	}
	e.stock, e.fixed = stock, fixed
	e.keyText, e.keyEnds = e.keyText[:0], e.keyEnds[:0]
	e.skus, e.fields = packList(e.skus[:0], 0), e.fields[:0]
	clear(e.numbers)
	return e
}

// put takes an encoder back once its call has been answered.
func (p *encoderPool) put(e *encoder) {
	clear(e.args)
	clear(e.keys)
	if cap(e.fields)+cap(e.skus)+cap(e.keyText) <= mostKept {
		p.pool.Put(e)
	}
}

// call returns the arguments of EVALSHA: the script, the keys, what every script gets first, and
// what this batch asks of it. They are valid until the encoder is put back.
func (e *encoder) call(sha string, header []any, requests int) []any {
	e.keys = append(e.keys[:0], e.fixed...)
	text, start := string(e.keyText), 0
	for _, end := range e.keyEnds {
		e.keys = append(e.keys, text[start:end])
		start = end
	}
	args := append(e.args[:0], "evalsha", sha, len(e.keys))
	// The client finds the key by which it routes only where it is a plain string.
	args = append(args, e.keys[0])
	for i := range e.keys[1:] {
		args = append(args, &e.keys[i+1])
	}
	args = append(args, header...)
	packList(e.skus[:0], len(e.numbers)) // how many there are is known only now
	args = append(args, requests, e.skus, e.fields)
	e.args = args
	return args
}

// key adds a key, and its index in KEYS as a field.
func (e *encoder) key(key keyName) { e.count(e.addKey(key)) }

// addKey adds a key and returns its index in KEYS. The same key may stand there twice.
func (e *encoder) addKey(key keyName) int {
	e.keyText = append(append(append(e.keyText, key.base...), key.kind...), key.name...)
	e.keyEnds = append(e.keyEnds, len(e.keyText))
	return len(e.fixed) + len(e.keyEnds)
}

// sku adds the number of a SKU as a field.
func (e *encoder) sku(sku reservation.SKU) { e.count(e.numberOf(sku)) }

// numberOf returns the number of a SKU among those that the requests name, from 1.
func (e *encoder) numberOf(sku reservation.SKU) int {
	number, ok := e.numbers[sku]
	if !ok {
		number = len(e.numbers) + 1
		e.numbers[sku] = number
		e.skus = packText(e.skus, sku.String())
	}
	return number
}

func (e *encoder) number(n int64) { e.fields = append(strconv.AppendInt(e.fields, n, 10), '\n') }
func (e *encoder) text(s string)  { e.fields = append(append(e.fields, s...), '\n') }
func (e *encoder) count(n int)    { e.number(int64(n)) }

func (e *encoder) flag(value bool) { e.count(boolToInt(value)) }

// time adds a time in ms; the zero time is 0.
func (e *encoder) time(t time.Time) {
	if t.IsZero() {
		e.number(0)
		return
	}
	e.number(t.UnixMilli())
}

// lines adds a text that may have several lines; see lua/restore.lua.
func (e *encoder) lines(s string) { e.text(strings.ReplaceAll(s, "\n", betweenLines)) }

// betweenLines stands for a newline in a text, as fields end with one. No id and no SKU holds a
// control character.
const betweenLines = "\x1d"

func (e *encoder) fingerprint(same fingerprint) {
	e.fields = append(append(e.fields, same[:]...), '\n')
}

// skuLines adds the number of lines and of each the SKU and its units.
func (e *encoder) skuLines(lines reservation.Lines) {
	e.count(lines.Len())
	for _, line := range lines.All() {
		e.sku(line.SKU)
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
	e.fingerprint(newContent(call).text(id.String()).lines(lines).fingerprint())
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
//
// Its room is the caller's, on the stack: newContent is inlined, and what is returned is no pointer
// to it.
type content []byte

func newContent(call string) content { return make(content, 0, 256).text(call) }

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

// optional adds a field that counts only when it is set.
func (c content) optional(field, value string) content {
	if value == "" {
		return c
	}
	return c.text(field).text(value)
}

// fingerprint is a short text that differs wherever the content does.
type fingerprint [(fingerprintBytes*8 + 5) / 6]byte

func (c content) fingerprint() (text fingerprint) {
	sum := sha256.Sum256(c)
	base64.RawURLEncoding.Encode(text[:], sum[:fingerprintBytes])
	return text
}
