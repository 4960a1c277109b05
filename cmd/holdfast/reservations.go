package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/holdfast-dev/holdfast/cmd/holdfast/internal/client"
	"github.com/holdfast-dev/holdfast/cmd/holdfast/internal/output"
	holdfastv1 "github.com/holdfast-dev/holdfast/gen/holdfast/v1"
)

type reservationsCommand struct {
	callFlags

	State string `required:"" enum:"held,committed,fulfilled,released,expired" placeholder:"STATE" help:"held (those that run out next come first), committed (the oldest first), fulfilled, released or expired (the first to end first)."`
	Limit int    `default:"100" placeholder:"N" help:"How many to show; 0: all. Default ${default}."`
}

// Run makes the calls, one for each page. As JSON they come as one answer; its token says that
// there are more.
func (c *reservationsCommand) Run(s *session) error {
	if c.Limit < 0 {
		return usagef("--limit is %d, must be 0 (all) or more", c.Limit)
	}
	constant := "RESERVATION_STATE_" + strings.ToUpper(c.State)
	state := holdfastv1.ReservationState(holdfastv1.ReservationState_value[constant])
	return c.ask(s, "", func(ctx context.Context, server *client.Client) error {
		whole := &holdfastv1.ListReservationsResponse{}
		err := client.Pages(func(token string) (*holdfastv1.ListReservationsResponse, error) {
			return client.Call(ctx, server.Reservations.ListReservations,
				&holdfastv1.ListReservationsRequest{
					StockId: c.Stock, State: state, PageToken: token,
					PageSize: pageFor(c.Limit, len(whole.GetReservations())),
				})
		}, func(page *holdfastv1.ListReservationsResponse) (bool, error) {
			whole.Reservations = append(whole.Reservations, page.GetReservations()...)
			whole.NextPageToken = page.GetNextPageToken()
			whole.StoreTime = page.GetStoreTime()
			return c.Limit == 0 || len(whole.GetReservations()) < c.Limit, nil
		})
		if err != nil {
			return err
		}
		return c.show(s, whole, func(w io.Writer) {
			if len(whole.GetReservations()) == 0 {
				fmt.Fprintf(w, "stock %s has no %s reservations\n", c.Stock, c.State)
				return
			}
			output.Reservations(w, whole.GetReservations())
			sayMore(w, whole.GetNextPageToken())
		})
	})
}

// largestPage is the contract's.
const largestPage = 1000

// pageFor returns the size of the next page when so many of at most limit have been seen.
func pageFor(limit, seen int) int32 {
	if limit == 0 {
		return largestPage
	}
	return int32(min(limit-seen, largestPage))
}

func sayMore(w io.Writer, nextPageToken string) {
	if nextPageToken != "" {
		fmt.Fprintln(w, "and more; --limit 0 shows all")
	}
}
