// Package arm has what is measured against each other: servers that answer the same calls over
// gRPC, each in its own way.
package arm
