package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/holdfast-dev/holdfast/cmd/holdfast/internal/client"
	"github.com/holdfast-dev/holdfast/cmd/holdfast/internal/output"
	holdfastv1 "github.com/holdfast-dev/holdfast/gen/holdfast/v1"
)

type fenceCommands struct {
	Show fenceShowCommand `cmd:"" help:"Say whether a stock is fenced, what it lost and how to go on. Exit status 1 when it is."`
	Lift fenceLiftCommand `cmd:"" help:"Let a fenced stock grant again."`
}

type fenceShowCommand struct {
	callFlags

	All bool `help:"List all stocks that are fenced."`
}

// Help is shown by holdfast fence show --help.
func (c *fenceShowCommand) Help() string {
	return `A stock is fenced when its store came back with less than it had acknowledged. With --all
every stock that is known to be fenced is listed; without it the stock's loss is looked for first.

Exit statuses: 0 not fenced; 1 fenced; 2 it could not be looked at.`
}

// Run makes the calls.
func (c *fenceShowCommand) Run(s *session) error {
	show := c.showOne
	if c.All {
		show = c.showAll
	}
	fenced := false
	err := c.ask(s, "", func(ctx context.Context, server *client.Client) (err error) {
		fenced, err = show(ctx, s, server)
		return err
	})
	switch {
	case err != nil:
		return couldNot(s, err)
	case fenced:
		return statusError(exitFindings)
	}
	return nil
}

func (c *fenceShowCommand) showOne(
	ctx context.Context, s *session, server *client.Client,
) (fenced bool, err error) {
	answer, err := client.Call(ctx, server.Audit.GetFence,
		&holdfastv1.GetFenceRequest{StockId: c.Stock})
	if err != nil {
		return false, err
	}
	fence := answer.GetFence()
	return fence != nil, c.show(s, answer, func(w io.Writer) {
		if fence == nil {
			output.NoFence(w, c.Stock, answer)
			return
		}
		output.Fence(w, c.Stock, fence)
	})
}

// showAll lists all pages as one. A stock may be on two.
func (c *fenceShowCommand) showAll(
	ctx context.Context, s *session, server *client.Client,
) (fenced bool, err error) {
	whole := &holdfastv1.ListFencesResponse{}
	err = client.Pages(func(token string) (*holdfastv1.ListFencesResponse, error) {
		return client.Call(ctx, server.Audit.ListFences,
			&holdfastv1.ListFencesRequest{PageSize: largestPage, PageToken: token})
	}, func(page *holdfastv1.ListFencesResponse) (bool, error) {
		whole.Stocks = append(whole.Stocks, page.GetStocks()...)
		whole.StoreTime = page.GetStoreTime()
		return true, nil
	})
	if err != nil {
		return false, err
	}
	slices.SortFunc(whole.Stocks, func(a, b *holdfastv1.FencedStock) int {
		return strings.Compare(a.GetStockId(), b.GetStockId())
	})
	whole.Stocks = slices.CompactFunc(whole.GetStocks(), func(a, b *holdfastv1.FencedStock) bool {
		return a.GetStockId() == b.GetStockId()
	})
	return len(whole.GetStocks()) > 0, c.show(s, whole, func(w io.Writer) {
		if len(whole.GetStocks()) == 0 {
			fmt.Fprintln(w, "no stock is known to be fenced")
			return
		}
		output.Fences(w, whole.GetStocks())
	})
}

type fenceLiftCommand struct {
	callFlags

	Fence string `arg:"" name:"fence" help:"The fence's id, as fence show says it: one that grew since then is not lifted."`
}

// Help is shown by holdfast fence lift --help.
func (c *fenceLiftCommand) Help() string {
	return `What is lost stays lost; holdfast fence show says what to do before. From then on the stock
grants again, and no server takes that loss for a new one.`
}

// Run makes the call.
func (c *fenceLiftCommand) Run(s *session) error {
	return c.ask(s, againAsItIs, func(ctx context.Context, server *client.Client) error {
		answer, err := client.Call(ctx, server.Audit.LiftFence,
			&holdfastv1.LiftFenceRequest{StockId: c.Stock, FenceId: c.Fence})
		if err != nil {
			return err
		}
		return c.show(s, answer, func(w io.Writer) {
			fmt.Fprintf(w, "stock %s grants again: fence %s was lifted at %s\n", c.Stock, c.Fence,
				output.Time(answer.GetLiftTime()))
		})
	})
}
