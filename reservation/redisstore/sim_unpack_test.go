package redisstore

import (
	"encoding/binary"
	"fmt"
	"strconv"
)

// simUnpacked reads packed values one after the other as texts; a list that is not the whole is
// told by its length before its values.
func simUnpacked(packed string) (values []string) {
	rest := []byte(packed)
	if len(rest) > 3 && rest[0] == packedList { // the SKUs are one list
		rest = rest[3:]
	} else if len(rest) == 3 && rest[0] == packedList {
		return nil
	}
	for len(rest) > 0 {
		var value string
		value, rest = simUnpack(rest)
		values = append(values, value)
	}
	return values
}

// simUnpack reads one value; see pack.go.
func simUnpack(packed []byte) (value string, rest []byte) {
	size := 1
	switch form := packed[0]; {
	case form <= maxSmallInt:
		return strconv.Itoa(int(form)), packed[1:]
	case form == packedInt:
		size = 9
	case form == packedText && len(packed) > 1:
		size = 2 + int(packed[1])
	case form == packedList:
		size = 3
	default:
		panic(simMalformed{fmt.Sprintf("what is packed begins with %x", form)})
	}
	if len(packed) < size {
		panic(simMalformed{"what is packed ends early"})
	}
	switch packed[0] {
	case packedInt:
		value = strconv.FormatUint(binary.BigEndian.Uint64(packed[1:]), 10)
	case packedText:
		value = string(packed[2:size])
	default:
		value = strconv.Itoa(int(binary.BigEndian.Uint16(packed[1:])))
	}
	return value, packed[size:]
}
