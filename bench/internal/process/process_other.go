//go:build unix && !linux

package process

import (
	"errors"
	"syscall"
)

// CanPin says whether programs can be held to cores here.
const CanPin = false

func pinThread([]int) (restore func() error, err error) {
	return nil, errors.New("programs can be held to cores on Linux only")
}

// Cores returns the cores that this process may use; none where the system does not tell.
func Cores() []int { return nil }

// attributes puts a program into a group of its own, so that a terminal's interrupt reaches only
// this process, which then ends the others in order.
func attributes(user *Credential) *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{Setpgid: true}
	if user != nil {
		attr.Credential = &syscall.Credential{Uid: user.UID, Gid: user.GID}
	}
	return attr
}
