// Package server is Holdfast's gRPC surface: it parses a request at the edge, asks the
// [reservation.Store] and converts the answer. It decides nothing itself.
//
// The route of one call:
//
//	interceptors.go  metrics -> log -> status -> recovery
//	<call>.go        parse -> store -> convert
//	parse.go         shape and limits, every violation collected
//	status.go        the one table from reason to code, and what goes into google.rpc.Status
//
// To add a call touch these files in this order:
//
//  1. proto/holdfast/v1/*_service.proto: the call, its messages, its reasons; then `make generate`.
//  2. reservation/calls.go and reservation/store.go: its request and answer, its method of Store.
//  3. server/<call>.go: the method, its parse function and its response. A field of a new kind
//     gets a method of parser in parse.go, a new message a function in convert.go. What a request
//     has as stock_id, reservation_id, request_id and sku reaches error metadata by that name.
//  4. server/edges_test.go: its good and its hostile messages; export_test.go: its parse function.
//  5. Where it has a reason that no other call has: reservation/errors.go, errors.proto, then
//     codeOf in status.go (the linter names the switch) and docs/errors.md (a test does).
//
// A stream call says what it refuses with statusOf(ctx, request, err), for no interceptor sees its
// request. It ends by its stream's context, which is done as soon as the server drains; errDraining
// is then its cause, and UNAVAILABLE what the caller must see (watch.go). ReserveStream drains by
// itself, for what is under way on it is still answered: reserve_stream.go does for one request
// what handler and interceptors do for a call, stream_flow.go has the stream's bounds and its end.
package server
