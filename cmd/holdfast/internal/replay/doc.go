// Package replay sends a real order history through a running server and says what came of it.
//
// An invoice is one Reserve, a cancellation (an invoice number that begins with C) one Restock of
// what came back; what they sell is first restocked by amounts that follow from the file. Every id
// follows from the run's name and the invoice number, so a second run is answered as the first was.
// At the end the figures of every SKU are held against a fold of the file and the answers, which
// shares no code with the server.
package replay
