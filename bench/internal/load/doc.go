// Package load sends Reserve calls to a server and measures them. A closed loop keeps so many
// callers busy and tells the throughput; an open loop sends by a fixed schedule and counts each
// latency from the scheduled time, so that a slow answer does not hide the wait behind it.
package load
