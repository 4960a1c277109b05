package output

import (
	"fmt"
	"io"

	holdfastv1 "github.com/holdfast-dev/holdfast/gen/holdfast/v1"
)

// Fence says in plain words what a stock has lost, what goes on and how to go on.
func Fence(w io.Writer, stock string, fence *holdfastv1.Fence) {
	seen, found := fence.GetSeenPosition(), fence.GetFoundPosition()
	fmt.Fprintf(w, "stock %s is fenced: changes that were acknowledged are lost\n\n", stock)
	fmt.Fprintf(w, "fence    %s\n", fence.GetFenceId())
	fmt.Fprintf(w, "since    %s\n", Time(fence.GetSinceTime()))
	if fence.GetNoticeTime().AsTime().After(fence.GetSinceTime().AsTime()) {
		fmt.Fprintf(w, "grew     %s\n", Time(fence.GetNoticeTime()))
	}
	fmt.Fprintf(w, "seen     %s, by the server %s\n", position(seen), fence.GetServer())
	fmt.Fprintf(w, "kept     what came up to sequence %d of that\n", fence.GetKeptSequence())
	fmt.Fprintf(w, "lost     at most %s\n", Count(fence.GetLostEvents(), "event"))
	fmt.Fprintf(w, "found    with the stock at %s", position(found))
	if over := found.GetSequence() - fence.GetKeptSequence(); over > 0 {
		fmt.Fprintf(w, ": up to %s had been written in place of the lost ones",
			Count(over, "event"))
	}
	fmt.Fprintf(w, `

Until the fence is lifted, reserve, check and commit --reacquire of what has expired are refused
(STOCK_FENCED, and safe to send again). All else goes on: orders that are known are committed,
released and shipped, units arrive, holds expire.

How to go on:
  1. Find out why the store lost them, and that it is over: a restart, a failover, an old backup.
  2. holdfast audit --stock %[1]s: what is left must be sound.
  3. Put right what is known from elsewhere. Whoever follows the journal has the events up to
     %[2]s; the shop has its orders. Deliveries and counts since sequence %[3]d may be lost too:
     send each again with its own id, where it is known it changes nothing.
  4. holdfast fence lift --stock %[1]s %[4]s
  5. Have the orders of that time sent again with the same ids: each that the stock knows is
     answered as before, each that is lost is reserved anew, or refused where its units are gone.
`, stock, position(seen), fence.GetKeptSequence(), fence.GetFenceId())
}

// NoFence says that a stock is not fenced, and which fence of it was lifted last.
func NoFence(w io.Writer, stock string, answer *holdfastv1.GetFenceResponse) {
	fmt.Fprintf(w, "stock %s is not fenced; it is at %s\n", stock, position(answer.GetPosition()))
	if id := answer.GetLiftedFenceId(); id != "" {
		fmt.Fprintf(w, "fence %s was lifted at %s\n", id, Time(answer.GetLiftTime()))
	}
}

// Fences writes a table of stocks that are fenced.
func Fences(w io.Writer, stocks []*holdfastv1.FencedStock) {
	t := NewTable(Left("stock", "fence", "since"), Right("lost at most", "seen", "kept"),
		Left("server"))
	for _, stock := range stocks {
		fence := stock.GetFence()
		t.Row(stock.GetStockId(), fence.GetFenceId(), Time(fence.GetSinceTime()),
			fence.GetLostEvents(), position(fence.GetSeenPosition()), fence.GetKeptSequence(),
			fence.GetServer())
	}
	t.Write(w)
}

// position writes a position as --after reads it.
func position(p *holdfastv1.Position) string {
	return fmt.Sprintf("%d:%d", p.GetEpoch(), p.GetSequence())
}
