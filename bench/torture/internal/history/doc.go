// Package history records what concurrent callers call and are answered, and has porcupine judge
// whether some order of the calls explains it: each answer must be the one that reservation/model
// gives, called in that order and at the store time that the answer names.
//
// A call whose outcome is not known is left open: it may stand anywhere after it was sent, as long
// as no call before it was answered at or after its settle time, or nowhere. Its store time is not
// known either, so the times of reservations that such a call names are not compared.
//
// Time passes by the answers' store times, which must not go back. Where holds run out, a server
// may sweep them at any moment after that, or not yet: each order of sweeps is tried.
package history
