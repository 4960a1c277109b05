package redisstore

import "github.com/holdfast-dev/holdfast/reservation"

// DefaultPrefix begins every key unless another is chosen.
const DefaultPrefix = "hf"

// fixedKeys is how many keys every script gets first; see lua/include/begin.lua.
const fixedKeys = 11

// keyspace makes the names of all keys. Keys of one stock share the hash tag {stock}, so that a
// Redis Cluster keeps them on one node; a stock id holds no brace.
type keyspace struct{ prefix string }

// stocks is the set of all stocks that were ever written to.
func (k keyspace) stocks() string { return k.prefix + ":stocks" }

// probe is written to see whether replicas get what is written.
func (k keyspace) probe() string { return k.prefix + ":probe" }

// of returns the keys of one stock.
func (k keyspace) of(stock reservation.StockID) stockKeys {
	return stockKeys{base: k.prefix + ":{" + stock.String() + "}:"}
}

// stockKeys makes the names of one stock's keys.
type stockKeys struct{ base string }

// keyName is the name of a key in parts, so that a batch can write it down without a string of its
// own.
type keyName struct{ base, kind, name string }

// String returns the whole name.
func (k keyName) String() string { return k.base + k.kind + k.name }

func (k stockKeys) reservation(id reservation.ReservationID) keyName {
	return keyName{base: k.base, kind: "res:", name: id.String()}
}

func (k stockKeys) request(id reservation.RequestID) keyName {
	return keyName{base: k.base, kind: "req:", name: id.String()}
}

// queue is made by the scripts too, for SKUs that only they know.
func (k stockKeys) queue(sku reservation.SKU) string { return k.base + "queue:" + sku.String() }

func (k stockKeys) meta() string      { return k.base + "meta" }
func (k stockKeys) policy() string    { return k.base + "policy" }
func (k stockKeys) journal() string   { return k.base + "journal" }
func (k stockKeys) skus() string      { return k.base + "skus" }
func (k stockKeys) held() string      { return k.base + "held" }
func (k stockKeys) committed() string { return k.base + "committed" }
func (k stockKeys) finished() string  { return k.base + "finished" }
func (k stockKeys) requests() string  { return k.base + "requests" }
func (k stockKeys) filling() string   { return k.base + "filling" }
func (k stockKeys) waiting() string   { return k.base + "waiting" }
func (k stockKeys) items() string     { return k.base + "items" }

// nothing is a key that is never there, in the stock's slot.
func (k stockKeys) nothing() string { return k.base + "nothing" }

// fixed returns the keys that every script gets first, in its order.
func (k stockKeys) fixed() [fixedKeys]string {
	return [fixedKeys]string{
		k.meta(), k.policy(), k.journal(), k.skus(), k.held(), k.committed(), k.finished(),
		k.requests(), k.filling(), k.waiting(), k.items(),
	}
}
