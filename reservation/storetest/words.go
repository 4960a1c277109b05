package storetest

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/holdfast-dev/holdfast/reservation"
)

// words are the parts of a call's text.
type words struct {
	verb    string
	names   []string // bare words: ids and SKUs
	flags   map[string]bool
	options map[string]string
	order   []string // of the options
	lines   reservation.Lines
	figures []string // "SKU*n" of calls whose lines are not plain quantities
}

// splitWords sorts the words of a call: "SKU*n" is a line, "name=value" an option, the rest names.
func splitWords(text string) (words, error) {
	fields := strings.Fields(text)
	if len(fields) == 0 {
		return words{}, errors.New("is empty")
	}
	w := words{verb: fields[0], flags: map[string]bool{}, options: map[string]string{}}
	var lines []reservation.Line
	for _, field := range fields[1:] {
		name, value, isOption := strings.Cut(field, "=")
		switch {
		case strings.Contains(field, "*") && (w.verb == "adjust" || w.verb == "set-stock"):
			w.figures = append(w.figures, field)
		case strings.Contains(field, "*"):
			repeated, err := parseLine(field)
			if err != nil {
				return words{}, fmt.Errorf("line %q: %w", field, err)
			}
			lines = append(lines, repeated...)
		case isOption:
			w.options[name] = value
			w.order = append(w.order, name)
		case slices.Contains([]string{"partial", "allow_missing", "reacquire"}, field):
			w.flags[field] = true
		default:
			w.names = append(w.names, field)
		}
	}
	if lines == nil {
		return w, nil
	}
	var err error
	w.lines, err = reservation.NewLines(lines)
	return w, err
}

// maxRepeats bounds what one line of a scenario stands for: more lines than a request may have.
const maxRepeats = 2 * reservation.MaxLines

// parseLine reads "SKU*n", or "300xSKU*n" for as many such lines.
func parseLine(field string) ([]reservation.Line, error) {
	times := 1
	if count, rest, repeated := strings.Cut(field, "x"); repeated {
		if n, err := strconv.Atoi(count); err == nil {
			times, field = n, rest
		}
		if times < 0 || times > maxRepeats {
			return nil, fmt.Errorf("is repeated %d times, at most %d are allowed", times, maxRepeats)
		}
	}
	name, count, _ := strings.Cut(field, "*")
	sku, err := parseSKU(name)
	if err != nil {
		return nil, err
	}
	units, err := strconv.ParseInt(count, 10, 64)
	if err != nil {
		return nil, err
	}
	quantity, err := reservation.NewQuantity(units)
	if err != nil {
		return nil, err
	}
	return slices.Repeat([]reservation.Line{{SKU: sku, Quantity: quantity}}, times), nil
}

// parseSKU reads a SKU as a call writes it: escaped as in a path of a URL.
func parseSKU(text string) (reservation.SKU, error) {
	name, err := url.PathUnescape(text)
	if err != nil {
		return reservation.SKU{}, err
	}
	return reservation.ParseSKU(name)
}

// escape writes a SKU for a call. An equals sign would make it an option.
func escape(sku reservation.SKU) string {
	return strings.ReplaceAll(url.PathEscape(sku.String()), "=", "%3D")
}

// name returns the first bare word, which may stand alone only.
func (w words) name() (string, error) {
	if len(w.names) != 1 {
		return "", errors.New("must have one id")
	}
	return w.names[0], nil
}

func (w words) reservationID() (reservation.ReservationID, error) {
	name, err := w.name()
	if err != nil {
		return reservation.ReservationID{}, err
	}
	return reservation.ParseReservationID(name)
}

func (w words) skus() ([]reservation.SKU, error) { return parseSKUs(w.names) }

func parseSKUs(names []string) ([]reservation.SKU, error) {
	var skus []reservation.SKU
	for _, name := range names {
		sku, err := parseSKU(name)
		if err != nil {
			return nil, fmt.Errorf("SKU %q: %w", name, err)
		}
		skus = append(skus, sku)
	}
	return skus, nil
}

func (w words) mode() reservation.Mode {
	if w.flags["partial"] {
		return reservation.ModePartial
	}
	return reservation.ModeAllOrNothing
}

func (w words) ttl() (reservation.TTL, error) {
	text, named := w.options["ttl"]
	if !named {
		return reservation.TTL{}, nil
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		return reservation.TTL{}, err
	}
	return reservation.NewTTL(d)
}

func (w words) number(option string) (int64, error) {
	return strconv.ParseInt(w.options[option], 10, 64)
}
