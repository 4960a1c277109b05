// Package fault is the list of what is done to Holdfast while it is in use, each with what shows
// that it was felt, and the books balanced afterwards.
package fault
