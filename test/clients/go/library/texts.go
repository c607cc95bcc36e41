package main

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/robfig/cron/v3"
	"k8s.io/apimachinery/pkg/api/resource"
	apivalidation "k8s.io/apimachinery/pkg/api/validation"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	metavalidation "k8s.io/apimachinery/pkg/apis/meta/v1/validation"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
	sigsjson "sigs.k8s.io/json"
	"sigs.k8s.io/yaml"
)

func quantity(asked question) []answer {
	parsed, err := resource.ParseQuantity(asked.A)
	if err != nil {
		return textOr("", err)
	}
	return textOr(fmt.Sprint(parsed.String(), " ", parsed.Value(), " ", parsed.MilliValue()), nil)
}

func quantities(asked question) []answer {
	a, err := resource.ParseQuantity(asked.A)
	if err != nil {
		return textOr("", err)
	}
	b, err := resource.ParseQuantity(asked.B)
	if err != nil {
		return textOr("", err)
	}
	sum, difference, compared := a.DeepCopy(), a.DeepCopy(), a.Cmp(b)
	sum.Add(b)
	difference.Sub(b)
	return textOr(fmt.Sprint(sum.String(), " ", difference.String(), " ", compared), nil)
}

func toYAML(asked question) []answer {
	text, err := yaml.JSONToYAML([]byte(asked.A))
	return textOr(string(text), err)
}

func fromYAML(asked question) []answer {
	text, err := yaml.YAMLToJSON([]byte(asked.A))
	return textOr(string(text), err)
}

func labelSelector(asked question) []answer {
	selector, err := labels.Parse(asked.A)
	if err != nil {
		return textOr("", err)
	}
	return textOr(selector.String(), nil)
}

func fieldSelector(asked question) []answer {
	selector, err := fields.ParseSelector(asked.A)
	if err != nil {
		return textOr("", err)
	}
	text := selector.String()
	for _, one := range selector.Requirements() {
		text += fmt.Sprintf("|%s%s%s", one.Field, one.Operator, one.Value)
	}
	return textOr(text, nil)
}

// cronTimes gives the next times of a schedule (a) in a zone (type) after a moment (b).
func cronTimes(asked question) []answer {
	text := asked.A
	if asked.Type != "" {
		text = "TZ=" + asked.Type + " " + asked.A
	}
	schedule, err := cron.ParseStandard(text)
	if err != nil {
		return textOr("", err)
	}
	at, err := time.Parse(time.RFC3339, asked.B)
	if err != nil {
		return textOr("", err)
	}
	told := []string{}
	for range 4 {
		at = schedule.Next(at)
		if at.IsZero() {
			told = append(told, "never")
			break
		}
		told = append(told, at.UTC().Format(time.RFC3339))
	}
	return textOr(strings.Join(told, " "), nil)
}

func scaled(asked question) []answer {
	total, err := strconv.Atoi(asked.B)
	if err != nil {
		return textOr("", err)
	}
	value := intstr.Parse(asked.A)
	up, err := intstr.GetScaledValueFromIntOrPercent(&value, total, true)
	if err != nil {
		return textOr("", err)
	}
	down, err := intstr.GetScaledValueFromIntOrPercent(&value, total, false)
	return textOr(fmt.Sprint(up, " ", down), err)
}

var nameRules = map[string]func(string) []string{
	"label":        validation.IsDNS1123Label,
	"subdomain":    validation.IsDNS1123Subdomain,
	"dns1035":      validation.IsDNS1035Label,
	"wildcard":     validation.IsWildcardDNS1123Subdomain,
	"qualified":    validation.IsQualifiedName,
	"labelValue":   validation.IsValidLabelValue,
	"domainPath":   func(text string) []string { return texts(validation.IsDomainPrefixedPath(field.NewPath("x"), text)) },
	"configMapKey": validation.IsConfigMapKey,
	"envVar":       validation.IsEnvVarName,
	"relaxedEnv":   validation.IsRelaxedEnvVarName,
	"portName":     validation.IsValidPortName,
	"httpHeader":   validation.IsHTTPHeaderName,
	"cIdentifier":  validation.IsCIdentifier,
	"percent":      validation.IsValidPercent,
	"fqdn": func(text string) []string {
		return texts(validation.IsFullyQualifiedDomainName(field.NewPath("x"), text))
	},
	"fqName": func(text string) []string { return texts(validation.IsFullyQualifiedName(field.NewPath("x"), text)) },
	"ip":     func(text string) []string { return texts(validation.IsValidIP(field.NewPath("x"), text)) },
	"cidr":   func(text string) []string { return texts(validation.IsValidCIDR(field.NewPath("x"), text)) },
	"finalizer": func(text string) []string {
		return texts(apivalidation.ValidateFinalizerName(text, field.NewPath("x")))
	},
	"fieldManager": func(text string) []string {
		return texts(metavalidation.ValidateFieldManager(text, field.NewPath("x")))
	},
	"annotation": func(text string) []string {
		return texts(apivalidation.ValidateAnnotations(map[string]string{text: ""}, field.NewPath("x")))
	},
	"labelName": func(text string) []string { return texts(metavalidation.ValidateLabelName(text, field.NewPath("x"))) },
}

func texts(list field.ErrorList) []string {
	all := []string{}
	for _, one := range list {
		all = append(all, one.Error())
	}
	return all
}

func nameFaults(asked question) []answer {
	return textOr(strings.Join(nameRules[asked.Type](asked.A), "\n"), nil)
}

type moments struct {
	Time     *metav1.Time      `json:"time,omitempty"`
	Micro    *metav1.MicroTime `json:"micro,omitempty"`
	Duration *metav1.Duration  `json:"duration,omitempty"`
}

func timeText(asked question) []answer {
	var parsed moments
	body, _ := json.Marshal(map[string]string{asked.Type: asked.A})
	if err := json.Unmarshal(body, &parsed); err != nil {
		return textOr("", err)
	}
	text, err := json.Marshal(parsed)
	return textOr(string(text), err)
}

func decode(asked question) []answer {
	into := structs[asked.Type]()
	strict, err := sigsjson.UnmarshalStrict([]byte(asked.A), into)
	if err != nil {
		return textOr("", err)
	}
	text, err := json.Marshal(into)
	for _, one := range strict {
		text = append(text, "\n"+one.Error()...)
	}
	return textOr(string(text), err)
}
