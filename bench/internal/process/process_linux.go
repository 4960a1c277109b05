package process

import (
	"fmt"
	"syscall"

	"golang.org/x/sys/unix"
)

// CanPin says whether programs can be held to cores here.
const CanPin = true

// pinThread holds the calling thread, and what it starts, to cores.
func pinThread(cores []int) (restore func() error, err error) {
	var before, wanted unix.CPUSet
	if err := unix.SchedGetaffinity(0, &before); err != nil {
		return nil, fmt.Errorf("ask for the thread's cores: %w", err)
	}
	for _, core := range cores {
		wanted.Set(core)
	}
	if err := unix.SchedSetaffinity(0, &wanted); err != nil {
		return nil, fmt.Errorf("hold a program to the cores %v: %w", cores, err)
	}
	return func() error { return unix.SchedSetaffinity(0, &before) }, nil
}

// Cores returns the cores that this process may use.
func Cores() []int {
	var set unix.CPUSet
	if err := unix.SchedGetaffinity(0, &set); err != nil {
		return nil
	}
	var cores []int
	for core := range len(set) * 64 {
		if set.IsSet(core) {
			cores = append(cores, core)
		}
	}
	return cores
}

// attributes puts a program into a group of its own, so that a terminal's interrupt reaches only
// this process, which then ends the others in order; and ends it should this process die.
func attributes(user *Credential) *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if user != nil {
		attr.Credential = &syscall.Credential{Uid: user.UID, Gid: user.GID}
	}
	return attr
}
