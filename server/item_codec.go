package server

import (
	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/mem"
)

// itemCodec is gRPC's codec, but for two kinds of messages. The requests of a ReserveStream: gRPC
// ends a stream with the first message that cannot be decoded, and there everything under way on it
// would go without an answer. And what was encoded before, once for many watchers.
type itemCodec struct{ encoding.CodecV2 }

// Marshal encodes a message.
func (c itemCodec) Marshal(message any) (mem.BufferSlice, error) {
	if encoded, ok := message.(encodedResponse); ok {
		return encoded.buffers(), nil
	}
	return c.CodecV2.Marshal(message)
}

// Unmarshal decodes a message. Of a streamItem it keeps the size and what went wrong; then the
// fields before the one that went wrong may be there.
func (c itemCodec) Unmarshal(data mem.BufferSlice, message any) error {
	item, ok := message.(*streamItem)
	if !ok {
		return c.CodecV2.Unmarshal(data, message)
	}
	item.size = data.Len()
	item.undecoded = c.CodecV2.Unmarshal(data, &item.request)
	return nil
}
