package redisstore

import (
	"slices"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/holdfast-dev/holdfast/reservation"
)

// damage is a fault written into the keys. What an audit finds of it, and what Repair makes of it,
// stands in testdata/damages.txt.
type damage struct {
	name string
	do   func(d *damaged)
}

// damages is the table of what can be wrong with a stock's keys. Add a row with each new key or
// field.
func damages() []damage {
	return slices.Concat(figureDamages(), recordDamages(), lineDamages(), queueDamages(),
		indexDamages(), journalDamages())
}

// command returns a damage that one Redis command on one of the stock's keys does.
func command(name, key string, arguments ...any) func(d *damaged) {
	return func(d *damaged) { d.do(append([]any{name, d.key(key)}, arguments...)...) }
}

// item returns a damage that writes a SKU anew.
func item(sku, value string) func(d *damaged) { return command("HSET", "items", sku, value) }

// figure returns a damage that moves a figure of a SKU.
func figure(sku, name string, units int) func(d *damaged) {
	return func(d *damaged) { moveFigure(d.t, d.Store, mustStock(""), sku, name, units) }
}

// moveFigure moves a figure of a SKU in one step, as a fault would: nothing else moves between.
func moveFigure(
	t *testing.T, s *Store, stock reservation.StockID, sku, figure string, units int,
) {
	t.Helper()
	const script = `
		local value = redis.call('HGET', KEYS[1], ARGV[1])
		local h, r, q, f, policy = string.match(value .. ' ', '^(%d+) (%d+) ?(%d*) ?(%d*)(.-) $')
		local figures = { h = h, r = r, q = tonumber(q) or 0, f = tonumber(f) or 0 }
		figures[ARGV[2]] = figures[ARGV[2]] + ARGV[3]
		value = figures.h .. ' ' .. figures.r .. ' ' .. figures.q .. ' ' .. figures.f
		return redis.call('HSET', KEYS[1], ARGV[1], value .. policy)`
	err := s.client.Eval(t.Context(), script, []string{s.keys.of(stock).items()}, sku, figure,
		units).Err()
	if err != nil {
		t.Fatal(err)
	}
}

// word returns a damage that writes another word, counted from 0, into a field of a hash.
func word(key, field string, index int, text string) func(d *damaged) {
	return func(d *damaged) {
		words := strings.Split(d.client.HGet(d.ctx, d.key(key), field).Val(), " ")
		words[index] = text
		d.do("HSET", d.key(key), field, strings.Join(words, " "))
	}
}

func figureDamages() []damage {
	return []damage{
		{name: "reserved is too high", do: figure("tea", "r", 5)},
		{name: "reserved is too low", do: figure("mug", "r", -2)},
		{name: "reserved is negative", do: item("tea", "48 -4")},
		{name: "queued is too high", do: figure("mug", "q", 3)},
		{name: "queued is too low", do: figure("mug", "q", -3)},
		{name: "queued is not there", do: item("mug", "10 16\nbm 2")},
		{name: "queued where nothing waits", do: item("tea", "48 6 2 0")},
		{name: "filling without units", do: item("mug", "10 16 6 2\nbm 2")},
		{name: "on hand is negative", do: item("tea", "-1 6")},
		{name: "on hand is not the journal's", do: figure("tea", "h", 4)},
		{name: "on hand is out of range", do: item("tea", "1000000000001 6")},
		{name: "a figure is no number", do: item("tea", "48 many")},
		{name: "a figure is missing", do: item("mug", "10 16 6\nbm 2")},
		{name: "a SKU has lost its figures", do: item("mug", "\nbm 2")},
		{name: "a policy is not the journal's", do: item("mug", "10 16 6 0\nbm 2\nbl 5")},
		{name: "a policy is no number", do: item("mug", "10 16 6 0\nbm two")},
		{name: "the default policy is not the journal's", do: command("HSET", "policy", "ss", 5)},
		{name: "a SKU is gone", do: func(d *damaged) {
			d.do("HDEL", d.key("items"), "tea")
			d.do("ZREM", d.key("skus"), "tea")
		}},
		{name: "a key is of another kind", do: func(d *damaged) {
			d.do("DEL", d.key("res:gone"))
			d.do("SET", d.key("res:gone"), "x")
		}},
	}
}

func recordDamages() []damage {
	return []damage{
		{name: "a reservation is gone", do: func(d *damaged) {
			d.do("DEL", d.key("res:fed"))
			d.do("ZREM", d.key("committed"), "fed")
		}},
		{name: "a reservation has lost its state", do: command("HDEL", "res:fed", "s")},
		{name: "a reservation has lost its grant", do: command("HDEL", "res:fed", "h")},
		{name: "a state that is none", do: word("res:fed", "s", 0, "9")},
		{name: "a finished one is open", do: word("res:fed", "s", 0, "4")},
		{name: "an open one is finished", do: word("res:gone", "s", 0, "2")},
		{name: "a firm one is held", do: word("res:fed", "s", 0, "1")},
		{name: "a hold in its second term", do: word("res:held", "s", 1, "2")},
		{name: "a term that began never", do: word("res:late", "s", 4, "0")},
		{name: "a hold without expiry", do: word("res:held", "s", 2, "0")},
		{name: "a finished one is kept for ever", do: word("res:gone", "s", 3, "0")},
		{name: "an open one was released as a whole", do: word("res:fed", "s", 5, "1")},
		{name: "no fingerprint", do: word("res:fed", "h", 4, "-")},
		{name: "a time that is no number", do: word("res:fed", "h", 0, "noon")},
		{name: "the grant is not the journal's", do: word("res:fed", "h", 0, "1767225600007")},
		{name: "a reservation that nobody granted", do: func(d *damaged) {
			d.do("COPY", d.key("res:fed"), d.key("res:twin"))
			d.zadd("committed", d.score("committed", "fed"), "twin")
		}},
		{name: "a request is unreadable", do: command("HDEL", "req:r1", "g")},
	}
}

func lineDamages() []damage {
	return []damage{
		{name: "covered units appear", do: command("HSET", "res:fed", "o1", "2 0 2")},
		{name: "covered units vanish", do: command("HSET", "res:held", "o1", "1 0 0")},
		{name: "more than was granted", do: command("HSET", "res:held", "o1", "2 0 7")},
		{name: "more granted than asked for", do: command(
			"HSET", "res:held", "l1", "2 9 0 44 1 tea", "o1", "2 0 0",
		)},
		{name: "fulfilled units of a hold", do: command("HSET", "res:held", "o2", "0 0 1")},
		{name: "an uncounted line waits", do: command("HSET", "res:held", "o2", "0 1 0")},
		{name: "a cut line without a reason", do: command("HSET", "res:held", "l1", "5 2 0 44 1 tea")},
		{name: "a whole line with a reason", do: command(
			"HSET", "res:fed", "l1", "3 3 0 44 1:6:2 tea",
		)},
		{name: "a reason that is none", do: command("HSET", "res:fed", "l1", "3 3 0 44 1:9:2 tea")},
		{name: "a line is lost", do: command("HDEL", "res:held", "l2")},
		{name: "a line too many", do: command("HSET", "res:fed", "l2", "1 1 0 44 1 tea")},
		{name: "a line is no line", do: command("HSET", "res:fed", "l1", "three of tea")},
		{name: "a line of another SKU", do: command("HSET", "res:fed", "l1", "3 3 0 44 1 cup")},
	}
}

func queueDamages() []damage {
	return []damage{
		{name: "a line waits in no queue", do: command("ZREM", "queue:mug", "wait3/1")},
		{name: "the queue is gone", do: command("DEL", "queue:mug")},
		{name: "an entry without a reservation", do: func(d *damaged) {
			d.zadd("queue:mug", 9<<10|1, "nobody/1")
		}},
		{name: "an entry without a line", do: func(d *damaged) {
			d.zadd("queue:mug", 9<<10|2, "wait3/2")
		}},
		{name: "an entry of a line that is covered", do: func(d *damaged) {
			d.zadd("queue:mug", 1<<10|1, "wait1/1")
		}},
		{name: "an entry that is none", do: func(d *damaged) {
			d.zadd("queue:mug", 5000, "what is this")
		}},
		{name: "a queue of a SKU that is covered", do: func(d *damaged) {
			d.zadd("queue:tea", 9<<10|1, "fed/1")
		}},
		{name: "a queue of a SKU that is not there", do: func(d *damaged) {
			d.zadd("queue:cup", 9<<10|1, "fed/1")
		}},
		{name: "somebody jumped the queue", do: func(d *damaged) {
			d.zadd("queue:mug", d.score("queue:mug", "wait2/1")-1024, "wait4/1")
		}},
		{name: "somebody was sent to the end", do: func(d *damaged) {
			d.zadd("queue:mug", d.score("queue:mug", "wait4/1")+10240, "wait2/1")
		}},
		{name: "somebody jumped the queue of a trimmed journal", do: withoutFold(func(d *damaged) {
			d.zadd("queue:mug", d.score("queue:mug", "wait2/1")-1024, "wait4/1")
		})},
		{name: "somebody was sent to the end, of a trimmed journal", do: withoutFold(func(d *damaged) {
			d.zadd("queue:mug", d.score("queue:mug", "wait4/1")+10240, "wait2/1")
		})},
		{name: "an entry at the place of another line", do: func(d *damaged) {
			d.zadd("queue:mug", d.score("queue:mug", "wait3/1")+1, "wait3/1")
		}},
	}
}

// withoutFold lets a damage happen to a stock whose journal has lost its first event, and cannot be
// folded.
func withoutFold(do func(d *damaged)) func(d *damaged) {
	return func(d *damaged) {
		do(d)
		d.do("XDEL", d.key("journal"), d.entry(0).ID)
	}
}

func indexDamages() []damage {
	return []damage{
		{name: "a hold is not listed", do: command("ZREM", "held", "held")},
		{name: "a firm one is not listed", do: command("ZREM", "committed", "fed")},
		{name: "a finished one is not listed", do: command("ZREM", "finished", "gone")},
		{name: "a hold would expire early", do: func(d *damaged) {
			d.zadd("held", d.score("held", "held")-60_000, "held")
		}},
		{name: "a firm one at another time", do: func(d *damaged) { d.zadd("committed", 5, "fed") }},
		{name: "a finished one would be forgotten", do: func(d *damaged) {
			d.zadd("finished", 5, "gone")
		}},
		{name: "a firm one would expire", do: func(d *damaged) { d.zadd("held", 5, "fed") }},
		{name: "a hold that is none", do: func(d *damaged) { d.zadd("held", 5, "nobody") }},
		{name: "a firm one that is none", do: func(d *damaged) { d.zadd("committed", 5, "nobody") }},
		{name: "a finished one that is none", do: func(d *damaged) { d.zadd("finished", 5, "nobody") }},
		{name: "a SKU is not listed", do: command("ZREM", "skus", "song")},
		{name: "a SKU that is none", do: func(d *damaged) { d.zadd("skus", 0, "cup") }},
		{name: "a queue is not listed", do: command("ZREM", "waiting", "mug")},
		{name: "a queue that is none", do: func(d *damaged) { d.zadd("waiting", 0, "tea") }},
		{name: "a queue of nothing", do: func(d *damaged) { d.zadd("waiting", 0, "cup") }},
		{name: "nothing to fill", do: func(d *damaged) { d.zadd("filling", 0, "mug") }},
		{name: "nothing at all to fill", do: func(d *damaged) { d.zadd("filling", 0, "cup") }},
		{name: "a request is not listed", do: command("ZREM", "requests", "r1")},
		{name: "a request would be forgotten", do: func(d *damaged) { d.zadd("requests", 5, "r1") }},
		{name: "a request that is none", do: func(d *damaged) { d.zadd("requests", 5, "r9") }},
		{name: "a request is gone", do: command("DEL", "req:r1")},
	}
}

func journalDamages() []damage {
	return []damage{
		{name: "an event is lost", do: func(d *damaged) {
			d.do("XDEL", d.key("journal"), d.entry(5).ID)
		}},
		{name: "the first event is lost", do: func(d *damaged) {
			d.do("XDEL", d.key("journal"), d.entry(0).ID)
		}},
		{name: "the last event is lost", do: func(d *damaged) {
			d.do("XDEL", d.key("journal"), d.entry(-1).ID)
		}},
		{name: "the journal is gone", do: command("DEL", "journal")},
		{name: "the sequence is ahead", do: command("HINCRBY", "meta", "sequence", 3)},
		{name: "the sequence is behind", do: command("HINCRBY", "meta", "sequence", -3)},
		{name: "an event is unreadable", do: func(d *damaged) { d.rewrite(2, "FLOATED\tmug") }},
		{name: "an event is another", do: func(d *damaged) {
			d.rewrite(0, "RESTOCKED\tr1\tmug\t11\nBACK_IN_STOCK\tmug\t11")
		}},
		{name: "an event cannot be", do: func(d *damaged) {
			d.rewrite(-1, "EXTENDED\tnobody\t5")
		}},
		{name: "an event is there twice", do: func(d *damaged) {
			d.rewrite(-1, "EXTENDED\theld\t5\nEXTENDED\theld\t5")
		}},
	}
}

// entry returns an entry of the journal; below 0 from its end.
func (d *damaged) entry(i int) redis.XMessage {
	d.t.Helper()
	entries, err := d.client.XRange(d.ctx, d.key("journal"), "-", "+").Result()
	if err != nil {
		d.t.Fatal(err)
	}
	return entries[(i+len(entries))%len(entries)]
}

// rewrite writes the journal anew with the events of one entry changed.
func (d *damaged) rewrite(i int, events string) {
	d.t.Helper()
	changed := d.entry(i).ID
	entries, err := d.client.XRange(d.ctx, d.key("journal"), "-", "+").Result()
	if err != nil {
		d.t.Fatal(err)
	}
	d.do("DEL", d.key("journal"))
	for _, entry := range entries {
		if entry.ID == changed {
			entry.Values["e"] = events
		}
		d.do("XADD", d.key("journal"), entry.ID, "t", entry.Values["t"], "e", entry.Values["e"])
	}
}
