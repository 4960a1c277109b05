// Package process starts the programs that a measurement needs (stores, servers, load generators),
// each on the cores and as the user that it should have, and sees to it that none outlives the
// measurement.
package process
