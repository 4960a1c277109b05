package reservation

import (
	"errors"
	"fmt"
	"unicode"
	"unicode/utf8"
)

// StockID names a stock, the unit of atomicity: 1-64 of A-Z a-z 0-9 . _ -. The zero value names
// none.
type StockID struct{ name string }

// ParseStockID reads a stock id; an empty one means [DefaultStockID].
func ParseStockID(name string) (StockID, error) {
	if name == "" {
		return StockID{DefaultStockID}, nil
	}
	if err := checkID(name, MaxStockIDLength, "._-"); err != nil {
		return StockID{}, err
	}
	return StockID{name}, nil
}

// String returns the id.
func (id StockID) String() string { return id.name }

// ReservationID is the caller's name of a reservation, unique within its stock: 1-64 of
// A-Z a-z 0-9 . _ : -. The zero value names none.
type ReservationID struct{ name string }

// ParseReservationID reads a reservation id.
func ParseReservationID(name string) (ReservationID, error) {
	if err := checkID(name, MaxIDLength, "._:-"); err != nil {
		return ReservationID{}, err
	}
	return ReservationID{name}, nil
}

// String returns the id; of the zero value it is empty.
func (id ReservationID) String() string { return id.name }

// IsZero says whether the id names nothing.
func (id ReservationID) IsZero() bool { return id.name == "" }

// RequestID is the caller's name of one request, unique within its stock over all calls: 1-64 of
// A-Z a-z 0-9 . _ : -. The zero value names none.
type RequestID struct{ name string }

// ParseRequestID reads a request id.
func ParseRequestID(name string) (RequestID, error) {
	if err := checkID(name, MaxIDLength, "._:-"); err != nil {
		return RequestID{}, err
	}
	return RequestID{name}, nil
}

// String returns the id; of the zero value it is empty.
func (id RequestID) String() string { return id.name }

// IsZero says whether the id names nothing.
func (id RequestID) IsZero() bool { return id.name == "" }

// SKU names one sellable thing inside a stock: 1-64 bytes of UTF-8 without control characters
// (Unicode Cc) and without leading or trailing U+0020. It is not normalised and case counts. The
// zero value names none.
type SKU struct{ name string }

// ParseSKU reads a SKU.
func ParseSKU(name string) (SKU, error) {
	switch {
	case name == "":
		return SKU{}, errEmpty
	case len(name) > MaxSKULength:
		return SKU{}, fmt.Errorf("is %d bytes long, at most %d are allowed", len(name), MaxSKULength)
	case !utf8.ValidString(name):
		return SKU{}, errors.New("is not valid UTF-8")
	case name[0] == ' ' || name[len(name)-1] == ' ':
		return SKU{}, errors.New("begins or ends with a space")
	}
	for _, r := range name {
		if unicode.IsControl(r) {
			return SKU{}, fmt.Errorf("contains the control character %U", r)
		}
	}
	return SKU{name}, nil
}

// String returns the SKU.
func (s SKU) String() string { return s.name }

var errEmpty = errors.New("is empty")

// checkID holds name against the letters and digits of every id and the extra marks allowed in this
// one.
func checkID(name string, longest int, marks string) error {
	if name == "" {
		return errEmpty
	}
	if len(name) > longest {
		return fmt.Errorf("is %d bytes long, at most %d are allowed", len(name), longest)
	}
	for i := range len(name) {
		if !isIDByte(name[i], marks) {
			return fmt.Errorf("may hold only A-Z a-z 0-9 and %q, not %q", marks, name[i:i+1])
		}
	}
	return nil
}

func isIDByte(c byte, marks string) bool {
	switch {
	case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		return true
	}
	for i := range len(marks) {
		if c == marks[i] {
			return true
		}
	}
	return false
}
