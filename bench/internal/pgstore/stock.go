package pgstore

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/holdfast-dev/holdfast/reservation"
)

// Restock adds units that arrived. Its answer names no fills.
func (s *Store) Restock(
	ctx context.Context, request reservation.RestockRequest,
) (reservation.RestockAnswer, error) {
	stock, err := s.stock(ctx, request.Stock, true)
	if err != nil {
		return reservation.RestockAnswer{}, err
	}
	p := placesOf(request.Lines)
	var figures []int64
	var answer reservation.RestockAnswer
	err = s.pool.QueryRow(ctx, "SELECT answer, replayed FROM restock($1, $2, $3, $4, $5, $6)",
		stock, request.Request.String(), content(nil).lines(request.Lines).fingerprint(),
		p.skus, p.lines, p.units).Scan(&figures, &answer.Replayed)
	if err != nil {
		return reservation.RestockAnswer{}, internal(err)
	}
	if figures == nil {
		return reservation.RestockAnswer{}, &reservation.Error{
			Reason: reservation.ReasonRequestIDReused,
		}
	}
	const width = 4
	if len(figures) != width*request.Lines.Len() {
		return reservation.RestockAnswer{}, internal(errors.New("the answer is not complete"))
	}
	for i, line := range request.Lines.All() {
		f := figures[i*width:]
		answer.Lines = append(answer.Lines, reservation.RestockLine{
			SKU: line.SKU, Quantity: line.Quantity.Units(),
			OnHand: f[0], Available: f[1], Filled: f[2], Backordered: f[3],
		})
	}
	return answer, nil
}

// policyRow is a policy's columns, as stock and item have them.
type policyRow struct {
	Mode                            *int16
	Limit, Safety, Low, Least, Most *int64
	Step                            *int64
	Sellable, Tracked               *bool
}

const policyColumns = `backorder_mode, backorder_limit, safety_stock, low_stock_threshold,
min_quantity, max_quantity, quantity_increment, sellable, tracked`

func optional[T any](value *T) reservation.Optional[T] {
	if value == nil {
		return reservation.Optional[T]{}
	}
	return reservation.Some(*value)
}

func pointer[T any](value reservation.Optional[T]) *T {
	if !value.Set {
		return nil
	}
	return &value.Value
}

func (r *policyRow) policy() reservation.Policy {
	p := reservation.Policy{
		BackorderLimit: optional(r.Limit), SafetyStock: optional(r.Safety),
		LowStockThreshold: optional(r.Low), MinQuantity: optional(r.Least),
		MaxQuantity: optional(r.Most), QuantityIncrement: optional(r.Step),
		Sellable: optional(r.Sellable), Tracked: optional(r.Tracked),
	}
	if r.Mode != nil {
		p.BackorderMode = reservation.Some(reservation.BackorderMode(*r.Mode))
	}
	return p
}

// SetPolicy changes a SKU's own policy and creates the SKU.
func (s *Store) SetPolicy(
	ctx context.Context, stock reservation.StockID, sku reservation.SKU,
	change reservation.PolicyChange,
) (reservation.PolicyAnswer, error) {
	id, err := s.stock(ctx, stock, true)
	if err != nil {
		return reservation.PolicyAnswer{}, err
	}
	if _, err := s.pool.Exec(ctx,
		"INSERT INTO item (stock, sku) VALUES ($1, $2) ON CONFLICT DO NOTHING", id, sku.String(),
	); err != nil {
		return reservation.PolicyAnswer{}, internal(err)
	}
	return s.change(ctx, change, "item", "stock = $1 AND sku = $2", id, sku.String())
}

// SetDefaultPolicy changes the stock's default policy.
func (s *Store) SetDefaultPolicy(
	ctx context.Context, stock reservation.StockID, change reservation.PolicyChange,
) (reservation.PolicyAnswer, error) {
	id, err := s.stock(ctx, stock, true)
	if err != nil {
		return reservation.PolicyAnswer{}, err
	}
	return s.change(ctx, change, "stock", "id = $1", id)
}

// change applies a change to the one row of a table that meets a condition. Restock time and
// substitutes are not in this store.
func (s *Store) change(
	ctx context.Context, change reservation.PolicyChange, table, where string, key ...any,
) (reservation.PolicyAnswer, error) {
	var own reservation.Policy
	err := pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, fmt.Sprintf("SELECT %s FROM %s WHERE %s FOR UPDATE",
			policyColumns, table, where), key...)
		if err != nil {
			return err
		}
		row, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByPos[policyRow])
		if err != nil {
			return err
		}
		own = change.Apply(row.policy())
		values := []any{
			pointer(own.BackorderMode), pointer(own.BackorderLimit), pointer(own.SafetyStock),
			pointer(own.LowStockThreshold), pointer(own.MinQuantity), pointer(own.MaxQuantity),
			pointer(own.QuantityIncrement), pointer(own.Sellable), pointer(own.Tracked),
		}
		marks := make([]string, len(values))
		for i := range values {
			marks[i] = fmt.Sprintf("$%d", len(key)+i+1)
		}
		_, err = tx.Exec(ctx, fmt.Sprintf("UPDATE %s SET (%s) = (%s) WHERE %s",
			table, policyColumns, strings.Join(marks, ", "), where), append(key, values...)...)
		return err
	})
	if err != nil {
		return reservation.PolicyAnswer{}, internal(err)
	}
	return reservation.PolicyAnswer{
		Own: own, Effective: reservation.Resolve(own, reservation.Policy{}),
	}, nil
}

// Items returns figures; of an unknown SKU it is an error. Policies are not told.
func (s *Store) Items(
	ctx context.Context, stock reservation.StockID, skus []reservation.SKU,
) (reservation.ItemsAnswer, error) {
	id, err := s.stock(ctx, stock, false)
	if err != nil {
		return reservation.ItemsAnswer{}, err
	}
	names := make([]string, len(skus))
	for i, sku := range skus {
		names[i] = sku.String()
	}
	rows, err := s.pool.Query(ctx, `SELECT i.on_hand, i.reserved, i.queued
		FROM unnest($2::text[]) WITH ORDINALITY AS asked (sku, n)
		JOIN item i ON i.stock = $1 AND i.sku = asked.sku ORDER BY asked.n`, id, names)
	if err != nil {
		return reservation.ItemsAnswer{}, internal(err)
	}
	type figures struct{ OnHand, Reserved, Queued int64 }
	read, err := pgx.CollectRows(rows, pgx.RowToStructByPos[figures])
	if err != nil {
		return reservation.ItemsAnswer{}, internal(err)
	}
	if len(read) != len(skus) {
		return reservation.ItemsAnswer{}, &reservation.Error{Reason: reservation.ReasonUnknownSKU}
	}
	answer := reservation.ItemsAnswer{Items: make([]reservation.Item, len(skus))}
	for i, f := range read {
		answer.Items[i] = reservation.Item{
			SKU: skus[i], OnHand: f.OnHand, Reserved: f.Reserved, Queued: f.Queued,
			Policy: reservation.Resolve(reservation.Policy{}, reservation.Policy{}),
		}
	}
	return answer, nil
}
