// Pins buf/validate/validate.proto, which the protos import. This module holds no Go code,
// so `go mod tidy` would drop the requirement: move it with `go get` instead.
module github.com/holdfast-dev/holdfast/.ci/tools/protovalidate

go 1.26.0

require github.com/bufbuild/protovalidate v1.2.2
