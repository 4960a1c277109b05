// Package bars has what Holdfast must reach, a file a bar. Each bar starts what it needs in a lab
// of its own, alternates its arms, and says what came out.
package bars
