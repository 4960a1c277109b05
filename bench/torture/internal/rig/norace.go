//go:build !race

package rig

// raceBuild says that this program has the race detector; then so do the servers that it builds.
const raceBuild = false
