package client

// Paged is an answer that holds a page of a list.
type Paged interface{ GetNextPageToken() string }

// Pages gets one page after the other, from the first, until take wants no more or none is left.
func Pages[Page Paged](
	get func(pageToken string) (Page, error), take func(Page) (more bool, err error),
) error {
	for token := ""; ; {
		page, err := get(token)
		if err != nil {
			return err
		}
		more, err := take(page)
		token = page.GetNextPageToken()
		if err != nil || !more || token == "" {
			return err
		}
	}
}
