package output

import (
	"bytes"
	"encoding/json"
	"io"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

// JSON writes a message in protobuf's JSON form, with the contract's field names, every field that
// is not optional, and whitespace that does not change from one build to the next (protojson's
// does, on purpose).
func JSON(w io.Writer, message proto.Message) error {
	compact, err := CompactJSON(message)
	if err != nil {
		return err
	}
	var indented bytes.Buffer
	if err := json.Indent(&indented, compact, "", "  "); err != nil {
		return err
	}
	indented.WriteByte('\n')
	_, err = indented.WriteTo(w)
	return err
}

// CompactJSON returns a message as [JSON] writes it, on one line.
func CompactJSON(message proto.Message) ([]byte, error) {
	loose, err := protojson.MarshalOptions{
		UseProtoNames: true, EmitDefaultValues: true,
	}.Marshal(message)
	if err != nil {
		return nil, err
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, loose); err != nil {
		return nil, err
	}
	return compact.Bytes(), nil
}
