// Package lab has what a measurement is made with: stores with data of their own, servers of the
// arms, load generators, each in a process of its own, and the subject that is measured, whose
// figures are checked after every run.
package lab
