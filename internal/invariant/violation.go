// SPDX-License-Identifier: Apache-2.0

package invariant

import (
	"reflect"
	"strconv"
	"strings"
)

// Violation is the value of every panic of this package.
type Violation struct {
	// Message says what should have been true.
	Message string
	// Details are the values that were given with it, rendered as text.
	Details []Detail
}

// Detail is one named value of a Violation.
type Detail struct {
	Key, Value string
}

// Error returns the same as String.
func (v *Violation) Error() string { return v.String() }

// String returns the message followed by the details as key=value pairs.
func (v *Violation) String() string {
	var b strings.Builder
	b.WriteString("invariant violated: ")
	b.WriteString(v.Message)
	for _, detail := range v.Details {
		b.WriteString(" " + detail.Key + "=" + detail.Value)
	}
	return b.String()
}

// missing stands for a value that was forgotten and for a key that is not a string.
const missing = "(missing)"

func details(kv []any) []Detail {
	var list []Detail
	for i := 0; i < len(kv); i += 2 {
		detail := Detail{Key: missing, Value: missing}
		if key, ok := kv[i].(string); ok {
			detail.Key = strings.Clone(key)
		}
		if i+1 < len(kv) {
			detail.Value = render(reflect.ValueOf(kv[i+1]), depthMax)
		}
		list = append(list, detail)
	}
	return list
}

// depthMax bounds how deep render looks into structs and slices, itemsMax how many
// of their items it shows.
const (
	depthMax = 3
	itemsMax = 32
)

// render is a small fmt.Sprint. Package fmt calls the methods of what it prints, so
// that everything handed to it escapes to the heap; render looks at the fields only.
func render(v reflect.Value, depth int) string {
	switch v.Kind() {
	case reflect.Bool:
		return strconv.FormatBool(v.Bool())
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return strconv.FormatInt(v.Int(), 10)
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		return strconv.FormatUint(v.Uint(), 10)
	case reflect.Float32, reflect.Float64:
		return strconv.FormatFloat(v.Float(), 'g', -1, 64)
	case reflect.String:
		return strconv.Quote(v.String())
	case reflect.Struct:
		return renderItems(v, v.NumField(), depth)
	case reflect.Slice, reflect.Array:
		return renderItems(v, v.Len(), depth)
	case reflect.Invalid:
		return "nil"
	}
	return "(" + v.Kind().String() + ")"
}

func renderItems(v reflect.Value, count, depth int) string {
	open, end := "[", "]"
	if v.Kind() == reflect.Struct {
		open, end = "{", "}"
	}
	var items []string
	for i := range count {
		if depth == 0 || i == itemsMax {
			items = append(items, "...")
			break
		}
		if v.Kind() == reflect.Struct {
			items = append(items, render(v.Field(i), depth-1))
		} else {
			items = append(items, render(v.Index(i), depth-1))
		}
	}
	return open + strings.Join(items, " ") + end
}
