// Package rig sets up what is to be tortured: a real Redis, servers as processes of their own, and
// between them, and between them and their callers, proxies that can spoil a connection.
package rig
