// Package redisstore keeps stocks on Redis or Valkey, or in memory on an embedded miniredis. Lua
// scripts decide; Go gathers requests into batches, sends them and reads the answers.
//
// The route of one call: its method (reserve.go, ...) makes an operation; the stock's batcher
// gathers what arrives while a batch is in flight (batcher.go); the batch is encoded (encode.go)
// and sent as one pipeline with at most one script call per kind of operation (send.go); the method
// reads the reply (reply.go) into an answer or an error. Every key is made in keys.go, every script
// stands in lua/.
package redisstore
