// SPDX-License-Identifier: Apache-2.0

package kv

// operation says how many arguments an operation takes, and what applies it.
type operation struct {
	argsMin, argsMax int
	// pairs says that the arguments come in twos.
	pairs bool
	apply func(p *Interpreter, c *Command) []byte
}

// unlimited stands for argsMax where only the command's size bounds the arguments.
const unlimited = CommandBytesMax

// operations is indexed by Op. The zero Op, which is none, cannot be applied.
var operations = [opLast + 1]operation{
	OpGet:     {argsMin: 1, argsMax: 1, apply: (*Interpreter).get},
	OpSet:     {argsMin: 2, argsMax: 2, apply: (*Interpreter).set},
	OpSetNX:   {argsMin: 2, argsMax: 2, apply: (*Interpreter).setNX},
	OpGetSet:  {argsMin: 2, argsMax: 2, apply: (*Interpreter).getSet},
	OpGetDel:  {argsMin: 1, argsMax: 1, apply: (*Interpreter).getDel},
	OpMGet:    {argsMin: 1, argsMax: unlimited, apply: (*Interpreter).mget},
	OpMSet:    {argsMin: 2, argsMax: unlimited, pairs: true, apply: (*Interpreter).mset},
	OpDel:     {argsMin: 1, argsMax: unlimited, apply: (*Interpreter).del},
	OpExists:  {argsMin: 1, argsMax: unlimited, apply: (*Interpreter).exists},
	OpIncrBy:  {argsMin: 1, argsMax: 1, apply: (*Interpreter).incrBy},
	OpAppend:  {argsMin: 2, argsMax: 2, apply: (*Interpreter).append},
	OpStrlen:  {argsMin: 1, argsMax: 1, apply: (*Interpreter).strlen},
	OpExpire:  {argsMin: 1, argsMax: 1, apply: (*Interpreter).expire},
	OpTTL:     {argsMin: 1, argsMax: 1, apply: (*Interpreter).ttl},
	OpPTTL:    {argsMin: 1, argsMax: 1, apply: (*Interpreter).pttl},
	OpPersist: {argsMin: 1, argsMax: 1, apply: (*Interpreter).persist},
	OpKeys:    {argsMin: 1, argsMax: 1, apply: (*Interpreter).keys},
	OpScan:    {argsMin: 0, argsMax: 1, apply: (*Interpreter).scan},
	OpDBSize:  {apply: (*Interpreter).dbSize},
	OpFlush:   {apply: (*Interpreter).flush},
	OpType:    {argsMin: 1, argsMax: 1, apply: (*Interpreter).typeOf},
}

// accepts reports whether the operation can be applied with so many arguments.
func (o *operation) accepts(args int) bool {
	return o.apply != nil && args >= o.argsMin && args <= o.argsMax && (!o.pairs || args%2 == 0)
}
