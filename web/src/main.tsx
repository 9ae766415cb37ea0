// Starts the dashboard: one query cache, one live feed, one router, joined here and nowhere else.
import { notifyManager, QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { accessStore } from "./api/access";
import { createQueryClient } from "./api/queries";
import { pace } from "./lib/pace";
import { FeedContext } from "./live/context";
import { Feed } from "./live/feed";
import { router } from "./routes/router";
import "./styles.css";

// Answers, the live feed and the clock change the screen together.
notifyManager.setScheduler(pace.soon);

const queries = createQueryClient();
const feed = new Feed({ queries, url: `${location.origin.replace(/^http/, "ws")}/ws` });

feed.start();
window.addEventListener("online", feed.retry);
document.addEventListener("visibilitychange", () => {
  if (document.visibilityState === "visible") feed.retry();
});
accessStore.subscribe(() => {
  if (accessStore.current() === "granted") feed.start();
  else if (accessStore.current() === "signed_out") feed.stop();
});

const root = document.getElementById("root");
if (!root) throw new Error("index.html has no element with the id root.");
createRoot(root).render(
  <StrictMode>
    <QueryClientProvider client={queries}>
      <FeedContext value={feed}>
        <RouterProvider router={router} />
      </FeedContext>
    </QueryClientProvider>
  </StrictMode>,
);
