package main

import (
	"context"
	"fmt"
	"io"

	"github.com/holdfast-dev/holdfast/cmd/holdfast/internal/client"
	"github.com/holdfast-dev/holdfast/cmd/holdfast/internal/output"
	holdfastv1 "github.com/holdfast-dev/holdfast/gen/holdfast/v1"
)

type backordersCommand struct {
	callFlags

	Limit int    `default:"100" placeholder:"N" help:"How many lines to show; 0: all. Default ${default}."`
	SKU   string `arg:"" optional:"" name:"sku" help:"Only this SKU's queue."`
}

// Run makes the calls, one for each page. As JSON they come as one answer; its token says that
// there are more.
func (c *backordersCommand) Run(s *session) error {
	if c.Limit < 0 {
		return usagef("--limit is %d, must be 0 (all) or more", c.Limit)
	}
	return c.ask(s, "", func(ctx context.Context, server *client.Client) error {
		whole := &holdfastv1.ListBackordersResponse{}
		err := client.Pages(func(token string) (*holdfastv1.ListBackordersResponse, error) {
			return client.Call(ctx, server.Stock.ListBackorders, &holdfastv1.ListBackordersRequest{
				StockId: c.Stock, Sku: c.SKU, PageToken: token,
				PageSize: pageFor(c.Limit, len(whole.GetBackorders())),
			})
		}, func(page *holdfastv1.ListBackordersResponse) (bool, error) {
			whole.Backorders = append(whole.Backorders, page.GetBackorders()...)
			whole.NextPageToken = page.GetNextPageToken()
			whole.StoreTime = page.GetStoreTime()
			return c.Limit == 0 || len(whole.GetBackorders()) < c.Limit, nil
		})
		if err != nil {
			return err
		}
		return c.show(s, whole, func(w io.Writer) {
			if len(whole.GetBackorders()) == 0 {
				fmt.Fprintln(w, "nobody waits")
				return
			}
			output.Backorders(w, whole.GetBackorders(), whole.GetStoreTime().AsTime())
			sayMore(w, whole.GetNextPageToken())
		})
	})
}
