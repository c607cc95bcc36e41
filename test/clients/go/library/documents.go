package main

import (
	"encoding/base64"

	"keelson.dev/clients/documents"
)

// openAPI compares an OpenAPI document of version 3 in JSON with one in protobuf, which comes in base64.
func openAPI(asked question) []answer {
	bytes, err := base64.StdEncoding.DecodeString(asked.B)
	if err != nil {
		return []answer{{Error: err.Error()}}
	}
	return textOr("equal", documents.Compare([]byte(asked.A), bytes))
}
