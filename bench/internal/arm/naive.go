package arm

import (
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

	"github.com/holdfast-dev/holdfast/reservation"
)

//go:embed naive.lua
var naiveScript string

// naiveTimeout is how long one call may take.
const naiveTimeout = 2 * time.Second

// naive is a store that sends each Reserve as a script call of its own. It has Reserve, Restock and
// Items and no other call.
type naive struct {
	reservation.Store
	client *redis.Client
	caller redis.Cmdable // the client, or what pipelines its commands
	sha    string
	close  func() error
}

func openNaive(ctx context.Context, config Config) (*naive, error) {
	options, err := redis.ParseURL(config.Store)
	if err != nil {
		return nil, fmt.Errorf("store: %w", err)
	}
	options.MaxRetries, options.DisableIdentity, options.Protocol = -1, true, 2
	options.ReadTimeout, options.WriteTimeout = naiveTimeout, naiveTimeout
	options.MaintNotificationsConfig = &maintnotifications.Config{
		Mode: maintnotifications.ModeDisabled,
	}
	if config.Pool > 0 {
		options.PoolSize, options.MaxActiveConns = config.Pool, config.Pool
	}
	n := &naive{client: redis.NewClient(options)}
	n.caller, n.close = n.client, n.client.Close
	if config.Pool == 0 {
		pipelined, err := n.client.AutoPipeline()
		if err != nil {
			return nil, errors.Join(err, n.client.Close())
		}
		n.caller = pipelined
		n.close = func() error { return errors.Join(pipelined.Close(), n.client.Close()) }
	}
	n.sha, err = n.client.ScriptLoad(ctx, naiveScript).Result()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("load the script: %w", err), n.close())
	}
	return n, nil
}

// naiveKeys makes the names of a stock's keys.
type naiveKeys struct{ base string }

func naiveKeysOf(stock reservation.StockID) naiveKeys {
	return naiveKeys{"nv:{" + stock.String() + "}:"}
}

func (k naiveKeys) sku(sku reservation.SKU) string { return k.base + "sku:" + sku.String() }

// The script's answers; see naive.lua.
const (
	naiveOK = iota
	naiveReplayed
	naiveTooLate
	naiveDue
	naiveReused
	naiveUnknown
	naiveRefused
)

// errNotInArm is a call or a mode that no bar asks for.
var errNotInArm = errors.New("this arm does not have it")

// Reserve promises units.
func (n *naive) Reserve(
	ctx context.Context, request reservation.ReserveRequest,
) (reservation.ReserveAnswer, error) {
	if request.Mode != reservation.ModeAllOrNothing || !request.Replaces.IsZero() {
		return reservation.ReserveAnswer{}, internal(errNotInArm)
	}
	keys, args := n.encode(request)
	values, err := n.caller.EvalSha(ctx, n.sha, keys, args...).Slice()
	if err != nil {
		return reservation.ReserveAnswer{}, internal(err)
	}
	r := naiveReply{values: values}
	switch code := r.number(); code {
	case naiveOK, naiveReplayed:
		answer := r.granted(request, code == naiveReplayed)
		return answer, r.failure()
	case naiveTooLate:
		return reservation.ReserveAnswer{}, &reservation.Error{Reason: reservation.ReasonTooLate}
	case naiveReused:
		return reservation.ReserveAnswer{}, &reservation.Error{
			Reason: reservation.ReasonReservationIDReused,
		}
	case naiveUnknown:
		return reservation.ReserveAnswer{}, &reservation.Error{
			Reason: reservation.ReasonUnknownSKU, SKUs: r.skus(),
		}
	case naiveRefused:
		return reservation.ReserveAnswer{}, r.refused(request.Lines)
	case naiveDue: // reclaiming is not in this arm, and no bar that it is in lets a hold run out
		return reservation.ReserveAnswer{}, internal(errNotInArm)
	default:
		return reservation.ReserveAnswer{}, internal(fmt.Errorf("the script answered %d", code))
	}
}

func (n *naive) encode(request reservation.ReserveRequest) (keys []string, args []any) {
	k := naiveKeysOf(request.Stock)
	lines := request.Lines.All()
	const fixed, perLine = 6, 3
	keys = make([]string, fixed, fixed+len(lines))
	keys[0], keys[1] = k.base+"res:"+request.ID.String(), k.base+"policy"
	keys[2], keys[3] = k.base+"sequence", k.base+"journal"
	keys[4], keys[5] = k.base+"held", k.base+"committed"
	args = make([]any, fixed, fixed+perLine*len(lines))
	args[0], args[1] = request.ID.String(), time.Now().Add(naiveTimeout).UnixMilli()
	args[2], args[3] = fingerprintOf(request), request.TTL.Milliseconds()
	args[4], args[5] = len(lines), k.base+"queue:"
	for i, line := range lines {
		at := 0
		for j := range i { // few lines: quicker than a map
			if lines[j].SKU == line.SKU {
				at = args[fixed+perLine*j].(int) // an int: put there below
				break
			}
		}
		if at == 0 {
			keys = append(keys, k.sku(line.SKU))
			at = len(keys)
		}
		args = append(args, at, line.Quantity.Units(), line.SKU.String())
	}
	return keys, args
}

// fingerprintOf returns a short text that differs wherever the content of a request does.
func fingerprintOf(request reservation.ReserveRequest) string {
	content := make([]byte, 0, 256)
	content = binary.AppendVarint(content, request.TTL.Milliseconds())
	for _, line := range request.Lines.All() {
		content = binary.AppendUvarint(content, uint64(len(line.SKU.String())))
		content = append(content, line.SKU.String()...)
		content = binary.AppendVarint(content, line.Quantity.Units())
	}
	sum := sha256.Sum256(content)
	return base64.RawURLEncoding.EncodeToString(sum[:12])
}

func internal(cause error) error {
	return &reservation.Error{Reason: reservation.ReasonInternal, Cause: cause}
}
