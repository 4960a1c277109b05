package exportfile

import (
	"bytes"
	"errors"
	"testing"

	"google.golang.org/protobuf/proto"

	holdfastv1 "github.com/holdfast-dev/holdfast/gen/holdfast/v1"
)

// written is a small export.
func written(t testing.TB) []byte {
	t.Helper()
	var file bytes.Buffer
	w, err := NewWriter(&file, "shop-1")
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range parts() {
		if err := w.Write(part); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return file.Bytes()
}

func parts() []*holdfastv1.ExportPart {
	return []*holdfastv1.ExportPart{
		{Part: &holdfastv1.ExportPart_Item{Item: &holdfastv1.ExportedItem{
			Sku: "TEA", OnHandQuantity: 7,
		}}},
		{Part: &holdfastv1.ExportPart_End{End: &holdfastv1.ExportEnd{Items: 1}}},
	}
}

func read(file []byte) (list []*holdfastv1.ExportPart, summary Summary, err error) {
	summary, err = Read(bytes.NewReader(file), func(part *holdfastv1.ExportPart) error {
		list = append(list, part)
		return nil
	})
	return list, summary, err
}

func TestRead_ReturnsWhatWasWritten(t *testing.T) {
	list, summary, err := read(written(t))
	if err != nil || summary.Stock != "shop-1" || summary.Parts != 2 || len(summary.Sum) != 64 {
		t.Fatalf("got %+v, %v", summary, err)
	}
	for i, want := range parts() {
		if !proto.Equal(want, list[i]) {
			t.Errorf("part %d is %v, want %v", i, list[i], want)
		}
	}
}

func TestRead_NoticesEveryChangedByteAndEveryCut(t *testing.T) {
	whole := written(t)
	for at := range whole {
		if _, _, err := read(whole[:at]); !errors.Is(err, ErrDamaged) {
			t.Errorf("cut at %d: %v", at, err)
		}
		changed := bytes.Clone(whole)
		changed[at] ^= 1
		if _, _, err := read(changed); err == nil {
			t.Errorf("byte %d changed: nothing is noticed", at)
		}
	}
	if _, _, err := read(append(bytes.Clone(whole), 0)); !errors.Is(err, ErrDamaged) {
		t.Errorf("a byte more: %v", err)
	}
}

func FuzzRead(f *testing.F) {
	f.Add(written(f))
	f.Add([]byte("holdfast-export 1 x\n\x00"))
	f.Add([]byte("holdfast-export 1 x\n\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"))
	whole := written(f)
	f.Fuzz(func(t *testing.T, file []byte) {
		if _, _, err := read(file); err == nil && !bytes.Equal(file, whole) {
			// Another export may be whole as well; then it is written again as it is read.
			t.Skip("a whole export")
		}
	})
}
