//go:build unix && !linux

package machine

import "os"

func sync(file *os.File) error { return file.Sync() }

// IsInMemory says whether a directory lies in memory; here nobody knows.
func IsInMemory(string) bool { return false }
