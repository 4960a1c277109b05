// Pins google/rpc/status.proto, which the protos import. Google's own repository of it is no module
// that can be had whole; grpc-gateway 1.16 carries the file as it is, and is used for nothing else.
// This module holds no Go code, so `go mod tidy` would drop the requirement: move it with `go get`
// instead.
module github.com/holdfast-dev/holdfast/.ci/tools/googleapis

go 1.26.0

require github.com/grpc-ecosystem/grpc-gateway v1.16.0
