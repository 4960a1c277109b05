package machine

import (
	"os"

	"golang.org/x/sys/unix"
)

func sync(file *os.File) error { return unix.Fdatasync(int(file.Fd())) }

// IsInMemory says whether a directory lies in memory, where a sync costs nothing and keeps nothing.
func IsInMemory(dir string) bool {
	var system unix.Statfs_t
	return unix.Statfs(dir, &system) == nil &&
		(system.Type == unix.TMPFS_MAGIC || system.Type == unix.RAMFS_MAGIC)
}
