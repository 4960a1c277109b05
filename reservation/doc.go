// Package reservation is Holdfast's domain: what a stock, a policy and a reservation are, and which
// rules decide about them. It does no I/O and reads no clock.
//
// Values are parsed once, at the edge, into types that cannot hold a wrong value ([SKU],
// [Quantity], [Lines], ...); everything behind the edge trusts them. [Store] is what a server needs
// of a place that keeps stocks; package model has it in memory as the oracle of the tests, package
// redisstore on Redis.
package reservation
