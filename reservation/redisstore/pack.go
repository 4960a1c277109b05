package redisstore

import "encoding/binary"

// What the scripts unpack by cmsgpack, which is in C: splitting a text in Lua takes ten times as
// long. Of MessagePack's forms (https://github.com/msgpack/msgpack/blob/master/spec.md) only those
// below are used, so that lua/include/embedded.lua can be short.
const (
	packedInt   = 0xcf // and 8 bytes, big-endian; up to maxSmallInt the byte itself is the number
	packedText  = 0xd9 // and a byte, the length
	packedList  = 0xdc // and 2 bytes, how many values follow
	maxSmallInt = 0x7f
)

// packInt adds a whole number; one below 0 is taken for 0.
func packInt(to []byte, n int64) []byte {
	if n = max(0, n); n <= maxSmallInt {
		return append(to, byte(n))
	}
	return binary.BigEndian.AppendUint64(append(to, packedInt), uint64(n))
}

// packText adds a text of at most 255 bytes.
func packText[T string | []byte](to []byte, text T) []byte {
	return append(append(to, packedText, byte(len(text))), text...)
}

// packList begins a list of at most 65,535 values.
func packList(to []byte, values int) []byte {
	return binary.BigEndian.AppendUint16(append(to, packedList), uint16(values))
}
