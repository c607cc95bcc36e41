// Package documents compares the two forms of an OpenAPI document of version 3.
package documents

import (
	"encoding/json"
	"fmt"

	openapiv3 "github.com/google/gnostic-models/openapiv3"
	"go.yaml.in/yaml/v3"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"k8s.io/kube-openapi/pkg/handler3"
)

// Compare tells where the protobuf form says anything else than what upstream's server makes of the JSON form.
func Compare(inJSON, inProtobuf []byte) error {
	expected, err := handler3.ToV3ProtoBinary(inJSON)
	if err != nil {
		return fmt.Errorf("the JSON form: %w", err)
	}
	wanted, err := parse(expected)
	if err != nil {
		return err
	}
	given, err := parse(inProtobuf)
	if err != nil {
		return fmt.Errorf("the protobuf form: %w", err)
	}
	if proto.Equal(wanted, given) {
		return nil
	}
	return fmt.Errorf("the forms differ: %s", firstDifference(protojson.Format(wanted), protojson.Format(given)))
}

func parse(bytes []byte) (*openapiv3.Document, error) {
	document := &openapiv3.Document{}
	if err := proto.Unmarshal(bytes, document); err != nil {
		return nil, err
	}
	return document, normalize(document.ProtoReflect())
}

// normalize writes each text of YAML, read as gnostic reads it, in one way, and refuses what the messages do not know.
func normalize(message protoreflect.Message) (err error) {
	if len(message.GetUnknown()) > 0 {
		return fmt.Errorf("unknown fields in %s", message.Descriptor().FullName())
	}
	if value, ok := message.Interface().(*openapiv3.Any); ok {
		var content any
		if err = yaml.Unmarshal([]byte(value.Yaml), &content); err != nil {
			return err
		}
		text, err := json.Marshal(content)
		value.Yaml = string(text)
		return err
	}
	message.Range(func(field protoreflect.FieldDescriptor, value protoreflect.Value) bool {
		switch {
		case field.Message() == nil:
		case field.IsList():
			for i := 0; i < value.List().Len() && err == nil; i++ {
				err = normalize(value.List().Get(i).Message())
			}
		default:
			err = normalize(value.Message())
		}
		return err == nil
	})
	return err
}

const shownMax = 200

func firstDifference(wanted, given string) string {
	at := 0
	for at < len(wanted) && at < len(given) && wanted[at] == given[at] {
		at++
	}
	from := max(0, at-shownMax)
	part := func(text string) string { return text[from:min(len(text), at+shownMax)] }
	return fmt.Sprintf("wanted …%s…\ngiven …%s…", part(wanted), part(given))
}
