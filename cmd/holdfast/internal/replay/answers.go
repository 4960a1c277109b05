package replay

import (
	"encoding/json"
	"io"

	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/holdfast-dev/holdfast/cmd/holdfast/internal/output"
	"github.com/holdfast-dev/holdfast/cmd/holdfast/internal/problem"
)

// answerLine is one answer as it is written down: a line of JSON. Request lines are written as they
// were asked, so that the file alone is enough for a fold.
type answerLine struct {
	Call     string          `json:"call"` // the method's name, such as Reserve
	Kind     string          `json:"kind"` // why it was made, such as order
	ID       string          `json:"id"`
	Invoice  string          `json:"invoice"`
	Code     string          `json:"code"` // gRPC's; OK when granted
	Reason   string          `json:"reason,omitempty"`
	Replayed bool            `json:"replayed"`
	Tries    int             `json:"tries"`
	Lines    []answerRequest `json:"lines"`
	Response json.RawMessage `json:"response,omitempty"` // the message, or google.rpc.Status
}

type answerRequest struct {
	SKU      string `json:"sku"`
	Quantity int64  `json:"quantity"`
}

// answerWriter writes answers down.
type answerWriter struct{ encoder *json.Encoder }

func newAnswerWriter(w io.Writer) *answerWriter {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	return &answerWriter{encoder}
}

func (w *answerWriter) write(a *Answer) error {
	line := answerLine{
		Call: a.Entry.Kind.Call(), Kind: a.Entry.Kind.String(), ID: a.ID, Invoice: a.Entry.Name,
		Code: status.Code(a.Err).String(), Replayed: a.Replayed, Tries: len(a.Tries),
		Lines: make([]answerRequest, len(a.Entry.Lines)),
	}
	for i, asked := range a.Entry.Lines {
		line.Lines[i] = answerRequest{asked.SKU, asked.Units}
	}
	var message proto.Message = a.Response
	if a.Err != nil {
		line.Reason = problem.Of(a.Err).Reason
		message = status.Convert(a.Err).Proto()
	}
	var err error
	if line.Response, err = output.CompactJSON(message); err != nil {
		return err
	}
	return w.encoder.Encode(line)
}
