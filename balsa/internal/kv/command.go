// SPDX-License-Identifier: Apache-2.0

package kv

// Op says what a command does. The numbers are part of the log's format: they are
// never changed and never reused.
type Op uint8

// The operations. Zero is not one. Behind each stands what Args holds and, where
// they are used, Number and Count.
const (
	// OpGet reads a value. Args: key.
	OpGet Op = 1
	// OpSet writes a value, under the conditions and with the expiry that Flags and
	// Number say. Args: key, value. It covers SET, SETEX and PSETEX.
	OpSet Op = 2
	// OpSetNX writes a value if there is none, and says so with 1 or 0. Args: key, value.
	OpSetNX Op = 3
	// OpGetSet writes a value and returns the one before. Args: key, value.
	OpGetSet Op = 4
	// OpGetDel deletes a key and returns its value. Args: key.
	OpGetDel Op = 5
	// OpMGet reads several values. Args: keys.
	OpMGet Op = 6
	// OpMSet writes several values. Args: key, value, key, value, and so on.
	OpMSet Op = 7
	// OpDel deletes keys and returns how many there were. Args: keys.
	OpDel Op = 8
	// OpExists returns how many of the keys exist, repeated ones repeatedly. Args: keys.
	OpExists Op = 9
	// OpIncrBy adds Number to an integer. Args: key.
	OpIncrBy Op = 10
	// OpAppend appends to a value and returns the new length. Args: key, suffix.
	OpAppend Op = 11
	// OpStrlen returns a value's length. Args: key.
	OpStrlen Op = 12
	// OpExpire sets a time of expiry in milliseconds, as Flags and Number say. Args: key.
	OpExpire Op = 13
	// OpTTL returns the seconds a key has left. Args: key.
	OpTTL Op = 14
	// OpPTTL returns the milliseconds a key has left. Args: key.
	OpPTTL Op = 15
	// OpPersist takes a key's expiry away. Args: key.
	OpPersist Op = 16
	// OpKeys returns the keys that match. Args: pattern.
	OpKeys Op = 17
	// OpScan returns some of the keys that match, from the cursor Number on, having
	// looked at about Count. Args: pattern, or nothing for all.
	OpScan Op = 18
	// OpDBSize returns the number of keys. No Args.
	OpDBSize Op = 19
	// OpFlush deletes everything. No Args.
	OpFlush Op = 20
	// OpType returns the type of a key's value. Args: key.
	OpType Op = 21

	opLast = OpType
)

// Flags refine an operation. Their values are part of the log's format.
type Flags uint16

// The flags.
const (
	// FlagNX makes the command act only if the key is absent (OpSet), or has no
	// expiry (OpExpire).
	FlagNX Flags = 1 << iota
	// FlagXX makes it act only if the key is present (OpSet), or has an expiry (OpExpire).
	FlagXX
	// FlagGT makes OpExpire act only if the expiry moves to later.
	FlagGT
	// FlagLT makes OpExpire act only if the expiry moves to earlier.
	FlagLT
	// FlagGet makes OpSet return the value before.
	FlagGet
	// FlagKeepTTL makes OpSet keep the key's expiry.
	FlagKeepTTL
	// FlagRelative says that Number is an expiry in milliseconds from the machine's clock.
	FlagRelative
	// FlagAbsolute says that Number is an expiry in Unix milliseconds.
	FlagAbsolute

	flagsAll = FlagAbsolute<<1 - 1
)

// Has reports whether all flags of mask are set.
func (f Flags) Has(mask Flags) bool { return f&mask == mask }

// Command is one operation on the store. Which fields count depends on Op.
type Command struct {
	Op    Op
	Flags Flags
	// Now is the proposer's wall clock in Unix milliseconds.
	Now int64
	// Number is an expiry, an increment or a cursor.
	Number int64
	// Count is how many keys OpScan should look at.
	Count int64
	Args  [][]byte
}
