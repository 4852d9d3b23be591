// The main job with a client that openapi-generator made: it is the package b2b/client.
package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"strings"
	"time"

	b2b "b2b/client"
)

var (
	origin = os.Getenv("B2B_ORIGIN")
	token  = os.Getenv("B2B_TOKEN")
	run    = os.Getenv("B2B_RUN")
	client = "client@" + run + ".example.com"
	people = [][2]string{
		{"Ada", "Lovelace"}, {"Grace", "Hopper"}, {"Alan", "Turing"}, {"Mary", "Jackson"}, {"Former", "Student"},
	}
)

func main() {
	configuration := b2b.NewConfiguration()
	require(configuration.Servers[0].URL == origin, "the document's server", configuration.Servers[0].URL)
	api := b2b.NewAPIClient(configuration)
	known := context.WithValue(context.Background(), b2b.ContextAccessToken, token)

	course := courseNamed(known, api, "workplace safety")
	user := clientWithSeats(known, api, course)
	ids := []int64{}
	for _, person := range people {
		ids = append(ids, enrolled(known, api, person, course))
	}
	waitUntil(func() bool { return allActive(known, api, ids) })
	listToTheEnd(known, api, ids)
	leave(known, api, ids[len(ids)-1])
	ids = ids[:len(ids)-1]
	expire(known, api, user, course, len(ids))
	refusals(known, api, user, course)
}

func courseNamed(known context.Context, api *b2b.APIClient, term string) int64 {
	found, _, err := api.ProductsAPI.SearchProducts(known).Term(term).Execute()
	check(err)
	for _, product := range found.Data {
		if product.ProductableType == b2b.PRODUCTABLE_TYPE_COURSE {
			return product.ProductableId
		}
	}
	panic("There is no course " + term)
}

func clientWithSeats(known context.Context, api *b2b.APIClient, course int64) int64 {
	made := b2b.NewCreateUser("Client of "+run, client, "a secret phrase")
	made.SetMaxSeats(20)
	created, _, err := api.UsersAPI.CreateUser(known).CreateUser(*made).Execute()
	check(err)
	id := created.Data.Id
	unlimited := setAccess(known, api, id, course, b2b.NullableInt64{})
	require(!unlimited.Data.Products[0].MaxSeats.IsSet() || unlimited.Data.Products[0].MaxSeats.Get() == nil, "unlimited")
	setAccess(known, api, id, course, seats(10))
	more := *b2b.NewAddSeats(course, true, 5, 90)
	for _, replayed := range []string{"", "true"} {
		added, answer, err := api.UsersAPI.AddSeats(known, id).IdempotencyKey("seats-" + run).AddSeats(more).Execute()
		check(err)
		require(*added.Data.Products[0].MaxSeats.Get() == 15, "15 seats")
		require(answer.Header.Get("Idempotency-Replayed") == replayed, "replayed", replayed)
	}
	same, _, err := api.UsersAPI.SearchUser(known).SearchUser(*b2b.NewSearchUser(strings.ToUpper(client))).Execute()
	check(err)
	require(same.Data.Id == id, "the user found by e-mail")
	return id
}

func setAccess(known context.Context, api *b2b.APIClient, id, course int64, limit b2b.NullableInt64) *b2b.UserBody {
	if !limit.IsSet() {
		limit.Set(nil)
	}
	access := *b2b.NewSetAccess(course, true, limit, 90)
	set, _, err := api.UsersAPI.SetAccess(known, id).SetAccess(access).Execute()
	check(err)
	return set
}

func seats(number int64) b2b.NullableInt64 {
	return *b2b.NewNullableInt64(&number)
}

func enrolled(known context.Context, api *b2b.APIClient, person [2]string, course int64) int64 {
	email := strings.ToLower(person[0]+"."+person[1]) + "@" + run + ".example.com"
	made := b2b.NewUpsertStudent(person[0], person[1], email)
	made.SetUserEmail(client)
	student, _, err := api.StudentsAPI.UpsertStudent(known).UpsertStudent(*made).Execute()
	check(err)
	what := *b2b.NewEnrollStudent(email, client, []int64{course})
	after, _, err := api.StudentsAPI.EnrollStudent(known).EnrollStudent(what).Execute()
	check(err)
	enrollment := after.Data.Enrollments[0]
	days := enrollment.ExpiryDate.Get().Sub(enrollment.ActivatedAt).Hours() / 24
	require(days == 90, "an enrollment of 90 days", days)
	return student.Data.Id
}

func allActive(known context.Context, api *b2b.APIClient, ids []int64) bool {
	for _, id := range ids {
		student, _, err := api.StudentsAPI.GetStudent(known, id).Execute()
		check(err)
		if student.Data.Enrollments[0].Status != b2b.ENROLLMENT_STATUS_ACTIVE {
			return false
		}
	}
	return true
}

func listToTheEnd(known context.Context, api *b2b.APIClient, ids []int64) {
	seen := map[int64]int{}
	last := int64(1 << 62)
	call := api.StudentsAPI.ListStudents(known).PerPage(2).Sort(b2b.SORT_DESCENDING_ID)
	for {
		page, _, err := call.Execute()
		check(err)
		for _, student := range page.Data {
			require(student.Id < last, "the newest first")
			last = student.Id
			seen[student.Id]++
		}
		cursor := page.Meta.NextCursor.Get()
		if cursor == nil {
			break
		}
		call = call.Cursor(*cursor)
	}
	for _, id := range ids {
		require(seen[id] == 1, "each student once", id, seen[id])
	}
}

func leave(known context.Context, api *b2b.APIClient, id int64) {
	student, _, err := api.StudentsAPI.GetStudent(known, id).Execute()
	check(err)
	who := *b2b.NewAssignStudent(student.Data.Email, client)
	left, _, err := api.StudentsAPI.DissociateStudent(known).AssignStudent(who).Execute()
	check(err)
	require(len(left.Data.Users) == 0, "nobody's student")
	answer, err := api.StudentsAPI.DeleteStudent(known, id).Execute()
	check(err)
	require(answer.StatusCode == http.StatusNoContent, "204")
}

func expire(known context.Context, api *b2b.APIClient, user, course int64, total int) {
	change := *b2b.NewChangeExpiry(course, b2b.EXPIRY_KIND_EXPIRE_NOW)
	started, _, err := api.UsersAPI.ChangeExpiry(known, user).ChangeExpiry(change).Execute()
	check(err)
	var operation b2b.Operation
	waitUntil(func() bool {
		found, _, err := api.OperationsAPI.GetOperation(known, started.Operation.Id).Execute()
		check(err)
		operation = found.Data
		return operation.Status != b2b.OPERATION_STATUS_PENDING && operation.Status != b2b.OPERATION_STATUS_RUNNING
	})
	require(operation.Status == b2b.OPERATION_STATUS_SUCCEEDED, "succeeded", operation.Status)
	require(operation.Total == int64(total) && len(operation.Failures) == 0, "the total", operation.Total)
}

func refusals(known context.Context, api *b2b.APIClient, user, course int64) {
	taken := *b2b.NewCreateUser("Another", client, "a secret phrase")
	_, answer, err := api.UsersAPI.CreateUser(known).CreateUser(taken).Execute()
	invalid := refusal[b2b.Invalid](answer, err, http.StatusUnprocessableEntity)
	require(len(invalid.Errors["email"]) == 1, "what is wrong with the e-mail", invalid)

	_, answer, err = api.StudentsAPI.GetStudent(known, 1<<40).Execute()
	require(refusal[b2b.Message](answer, err, http.StatusNotFound).Message != "", "a message")

	setAccess(known, api, user, course, seats(0))
	nobody := b2b.NewUpsertStudent("No", "Seat", "no.seat@"+run+".example.com")
	nobody.SetUserEmail(client)
	nobody.SetEnrollments([]int64{course})
	nobody.SetEnforceSeats(true)
	_, answer, err = api.StudentsAPI.UpsertStudent(known).UpsertStudent(*nobody).Execute()
	conflict := refusal[b2b.Conflict](answer, err, http.StatusConflict)
	require(conflict.Code == b2b.CONFLICT_CODE_SEATS_EXHAUSTED, "no seats", conflict.Code)
	require(len(conflict.Seats) == 1 && conflict.Seats[0].Requested == 1, "what is missing", conflict.Seats)
	setAccess(known, api, user, course, seats(15))

	stranger := context.WithValue(context.Background(), b2b.ContextAccessToken, "wrong")
	_, answer, err = api.SettingsAPI.GetSettings(stranger).Execute()
	refusal[b2b.Message](answer, err, http.StatusUnauthorized)
}

// The body of a refusal with this status.
func refusal[Body any](answer *http.Response, err error, status int) Body {
	require(err != nil && answer != nil && answer.StatusCode == status, "a refusal with", status)
	generic, ok := err.(*b2b.GenericOpenAPIError)
	require(ok, "the generator's own error")
	body, ok := generic.Model().(Body)
	require(ok, "the documented body", generic.Model())
	return body
}

func waitUntil(condition func() bool) {
	deadline := time.Now().Add(time.Minute)
	for !condition() {
		require(time.Now().Before(deadline), "it within a minute")
		time.Sleep(200 * time.Millisecond)
	}
}

func check(err error) {
	if err != nil {
		if generic, ok := err.(*b2b.GenericOpenAPIError); ok {
			panic(fmt.Sprint(err, string(generic.Body())))
		}
		panic(err)
	}
}

func require(holds bool, what ...any) {
	if !holds {
		panic(fmt.Sprintln(append([]any{"Expected"}, what...)...))
	}
}
