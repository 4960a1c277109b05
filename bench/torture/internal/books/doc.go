// Package books keeps the books of callers of a Holdfast that is being tortured: what each call was
// told, and so what must be in the stocks when all is over. A call whose outcome is not known stays
// open until its settle time and is then resolved as docs/errors.md says.
package books
