// SPDX-License-Identifier: Apache-2.0

package kv

// operation says how many arguments an operation takes, and what applies it.
type operation struct {
	argsMin, argsMax int
	// pairs says that the arguments come in twos.
	pairs bool
	apply func(m *Machine, c *Command) []byte
}

// unlimited stands for argsMax where only the command's size bounds the arguments.
const unlimited = CommandBytesMax

// operations is indexed by Op. The zero Op, which is none, cannot be applied.
var operations = [opLast + 1]operation{
	OpGet:     {argsMin: 1, argsMax: 1, apply: (*Machine).get},
	OpSet:     {argsMin: 2, argsMax: 2, apply: (*Machine).set},
	OpSetNX:   {argsMin: 2, argsMax: 2, apply: (*Machine).setNX},
	OpGetSet:  {argsMin: 2, argsMax: 2, apply: (*Machine).getSet},
	OpGetDel:  {argsMin: 1, argsMax: 1, apply: (*Machine).getDel},
	OpMGet:    {argsMin: 1, argsMax: unlimited, apply: (*Machine).mget},
	OpMSet:    {argsMin: 2, argsMax: unlimited, pairs: true, apply: (*Machine).mset},
	OpDel:     {argsMin: 1, argsMax: unlimited, apply: (*Machine).del},
	OpExists:  {argsMin: 1, argsMax: unlimited, apply: (*Machine).exists},
	OpIncrBy:  {argsMin: 1, argsMax: 1, apply: (*Machine).incrBy},
	OpAppend:  {argsMin: 2, argsMax: 2, apply: (*Machine).append},
	OpStrlen:  {argsMin: 1, argsMax: 1, apply: (*Machine).strlen},
	OpExpire:  {argsMin: 1, argsMax: 1, apply: (*Machine).expire},
	OpTTL:     {argsMin: 1, argsMax: 1, apply: (*Machine).ttl},
	OpPTTL:    {argsMin: 1, argsMax: 1, apply: (*Machine).pttl},
	OpPersist: {argsMin: 1, argsMax: 1, apply: (*Machine).persist},
	OpKeys:    {argsMin: 1, argsMax: 1, apply: (*Machine).keys},
	OpScan:    {argsMin: 0, argsMax: 1, apply: (*Machine).scan},
	OpDBSize:  {apply: (*Machine).dbSize},
	OpFlush:   {apply: (*Machine).flush},
	OpType:    {argsMin: 1, argsMax: 1, apply: (*Machine).typeOf},
}

// accepts reports whether the operation can be applied with so many arguments.
func (o *operation) accepts(args int) bool {
	return o.apply != nil && args >= o.argsMin && args <= o.argsMax && (!o.pairs || args%2 == 0)
}
