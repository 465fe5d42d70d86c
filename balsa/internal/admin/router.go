// SPDX-License-Identifier: Apache-2.0

package admin

import (
	"fmt"
	"net/http"
)

// router knows which command there is, and by which method it is asked for.
type router struct {
	mux     *http.ServeMux
	methods map[string]string
}

func (r *router) handle(method, name string, serve http.HandlerFunc) {
	r.methods["/"+name] = method
	r.mux.HandleFunc(method+" /"+name, serve)
}

// misdirected says what is wrong with a request that is none of the commands.
func (r *router) misdirected(w http.ResponseWriter, q *http.Request) *Error {
	method, known := r.methods[q.URL.Path]
	if !known {
		return &Error{Status: http.StatusNotFound, Code: CodeUnknown, Message: fmt.Sprintf("there is no command %.40q", q.URL.Path)}
	}
	w.Header().Set("Allow", method)
	return &Error{
		Status: http.StatusMethodNotAllowed, Code: CodeWrongMethod,
		Message: fmt.Sprintf("%s is asked for with %s, not %.10s", q.URL.Path, method, q.Method),
	}
}
