// Package storetest is the contract as a suite that every [reservation.Store] must pass.
//
// It has these parts. Scenarios are text files, one story each, that a person can hold against
// the contract; scenarios/README.md says how they read. Random histories drive a store and the
// model side by side and compare every answer. Concurrent callers fight for the same units, and
// race with the clock and the housekeeping. Watchers follow the journal while others write. After
// every step of a scenario, and often within a random history, the whole state is held against
// what must always hold: see [Problems].
package storetest
