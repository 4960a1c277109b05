package main

import (
	"context"
	"fmt"
	"io"

	"github.com/holdfast-dev/holdfast/cmd/holdfast/internal/client"
	"github.com/holdfast-dev/holdfast/cmd/holdfast/internal/output"
	holdfastv1 "github.com/holdfast-dev/holdfast/gen/holdfast/v1"
)

type stockCommands struct {
	Get    stockGetCommand    `cmd:"" help:"Show the figures of SKUs, all as of one moment."`
	List   stockListCommand   `cmd:"" help:"Show the figures of every SKU of a stock."`
	Delete stockDeleteCommand `cmd:"" help:"Forget a SKU that has nothing on hand, reserved or queued."`
}

type stockGetCommand struct {
	callFlags

	SKUs []string `arg:"" name:"sku" sep:"none" help:"The SKUs, at most 1,000."`
}

// Run makes the call.
func (c *stockGetCommand) Run(s *session) error {
	return c.ask(s, "", func(ctx context.Context, server *client.Client) error {
		answer, err := client.Call(ctx, server.Stock.BatchGetStock,
			&holdfastv1.BatchGetStockRequest{StockId: c.Stock, Skus: c.SKUs})
		if err != nil {
			return err
		}
		return c.show(s, answer, func(w io.Writer) { output.Items(w, answer.GetItems()) })
	})
}

type stockListCommand struct {
	callFlags
}

// Run makes the calls, one for each page. As JSON the pages come as one answer without a token.
func (c *stockListCommand) Run(s *session) error {
	return c.ask(s, "", func(ctx context.Context, server *client.Client) error {
		whole := &holdfastv1.ListStockResponse{}
		err := client.Pages(func(token string) (*holdfastv1.ListStockResponse, error) {
			return client.Call(ctx, server.Stock.ListStock, &holdfastv1.ListStockRequest{
				StockId: c.Stock, PageSize: largestPage, PageToken: token,
			})
		}, func(page *holdfastv1.ListStockResponse) (bool, error) {
			whole.Items = append(whole.Items, page.GetItems()...)
			whole.StoreTime = page.GetStoreTime()
			return true, nil
		})
		if err != nil {
			return err
		}
		return c.show(s, whole, func(w io.Writer) {
			if len(whole.GetItems()) == 0 {
				fmt.Fprintf(w, "stock %s has no SKUs\n", c.Stock)
				return
			}
			output.Items(w, whole.GetItems())
		})
	})
}

type stockDeleteCommand struct {
	callFlags

	SKU string `arg:"" name:"sku" help:"The SKU."`
}

// Run makes the call.
func (c *stockDeleteCommand) Run(s *session) error {
	return c.ask(s, "", func(ctx context.Context, server *client.Client) error {
		answer, err := client.Call(ctx, server.Stock.DeleteStockItem,
			&holdfastv1.DeleteStockItemRequest{StockId: c.Stock, Sku: c.SKU})
		if err != nil {
			return err
		}
		return c.show(s, answer, func(w io.Writer) {
			fmt.Fprintf(w, "%s is deleted from stock %s\n", c.SKU, c.Stock)
		})
	})
}
