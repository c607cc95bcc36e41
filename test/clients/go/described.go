package main

import (
	"context"
	"fmt"

	"k8s.io/client-go/discovery"
	"k8s.io/client-go/openapi"
	"k8s.io/client-go/rest"

	"keelson.dev/clients/documents"
)

// described reads the document of every group version in both forms, those of a custom kind and of what tells of groups among them.
func described(_ context.Context, config *rest.Config) error {
	client, err := discovery.NewDiscoveryClientForConfig(config)
	if err != nil {
		return err
	}
	paths, err := client.OpenAPIV3().Paths()
	if err != nil {
		return err
	}
	for _, path := range []string{"api/v1", "apis/apps/v1", "apis/apps", "version", "apis/" + findsGroup + "/v1"} {
		if paths[path] == nil {
			return fmt.Errorf("%s is not in the index", path)
		}
	}
	for path, version := range paths {
		inJSON, err := version.Schema("application/json")
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		inProtobuf, err := version.Schema(openapi.ContentTypeOpenAPIV3PB)
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		if err = documents.Compare(inJSON, inProtobuf); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
	}
	return nil
}
