// Package ledger reads a stock's journal as a ledger: what each event does to the lines of its
// reservation and to the figures of SKUs, and what all of them together make of a stock (contract,
// I7). Audit, Repair and Export follow a live stock with it.
package ledger
