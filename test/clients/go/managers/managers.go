// Package managers shows who owns what of an object.
package managers

import (
	"encoding/json"
	"fmt"
	"sort"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Describe gives a line an entry, without its time, in an order that does not depend on that of the entries.
func Describe(entries []metav1.ManagedFieldsEntry) string {
	lines := []string{}
	for _, entry := range entries {
		var fields any
		json.Unmarshal(entry.FieldsV1.Raw, &fields)
		sorted, _ := json.Marshal(fields)
		lines = append(lines, fmt.Sprintf("%s %s %s", entry.Manager, entry.Operation, sorted))
	}
	sort.Strings(lines)
	return strings.Join(lines, "\n")
}
