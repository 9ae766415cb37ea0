// The routes: which screen an address shows, and what of the address it is given.
import {
  createRootRoute,
  createRoute,
  createRouter,
  Navigate,
  useNavigate,
  useParams,
} from "@tanstack/react-router";
import { FlowDetail } from "@/features/flow/FlowDetail";
import { FlowsScreen } from "@/features/flows/FlowsScreen";
import { SetupScreen } from "@/features/setup/SetupScreen";
import { Shell } from "@/shell/Shell";
import { Notice } from "@/ui/Notice";
import { later } from "@/views/later";
import {
  type ConversationView,
  type FindingsView,
  type FlowsSearch,
  filterOf,
  flowHref,
  type HistoryView,
  parseSearch,
  paths,
  readConversationView,
  readFindingsView,
  readFlowsSearch,
  readHistoryView,
  readQuery,
  readSessionsView,
  readSessionView,
  readSpendView,
  readToolsView,
  type SessionsView,
  type SessionView,
  type SpendView,
  type ToolsView,
  withoutHit,
  writeSearch,
} from "./paths";
import { Trail } from "./trail";

// Screens that the first one does not need come when they are asked for.
const PAGE = { isPage: true };
const NowScreen = later(() => import("@/features/now/NowScreen").then((it) => it.NowScreen), PAGE);
const SessionsScreen = later(
  () => import("@/features/sessions/SessionsScreen").then((it) => it.SessionsScreen),
  PAGE,
);
const SessionScreen = later(
  () => import("@/features/sessions/SessionScreen").then((it) => it.SessionScreen),
  PAGE,
);
const HistoryScreen = later(
  () => import("@/features/history/HistoryScreen").then((it) => it.HistoryScreen),
  PAGE,
);
// The checklist stands without it.
const Imported = later(() => import("@/features/history/Imported").then((it) => it.Imported), {
  waiting: () => null,
  missing: () => null,
});
const ConversationScreen = later(
  () => import("@/features/history/ConversationScreen").then((it) => it.ConversationScreen),
  PAGE,
);
const SpendScreen = later(
  () => import("@/features/spend/SpendScreen").then((it) => it.SpendScreen),
  PAGE,
);
const ToolsScreen = later(
  () => import("@/features/tools/ToolsScreen").then((it) => it.ToolsScreen),
  PAGE,
);
const FindingsScreen = later(
  () => import("@/features/findings/FindingsScreen").then((it) => it.FindingsScreen),
  PAGE,
);
const SearchScreen = later(
  () => import("@/features/search/SearchScreen").then((it) => it.SearchScreen),
  PAGE,
);
const HealthScreen = later(
  () => import("@/features/health/HealthScreen").then((it) => it.HealthScreen),
  PAGE,
);
const SettingsScreen = later(
  () => import("@/features/settings/SettingsScreen").then((it) => it.SettingsScreen),
  PAGE,
);

const root = createRootRoute({
  component: Shell,
  notFoundComponent: () => (
    <Notice title="There is no such page">
      <p>The address may be from another version of Langley.</p>
    </Notice>
  ),
});

const home = createRoute({
  getParentRoute: () => root,
  path: paths.home,
  component: () => <Navigate to={paths.now} replace />,
});

const now = createRoute({
  getParentRoute: () => root,
  path: paths.now,
  component: () => <NowScreen firstRun={<FirstRun />} />,
});

const sessions = createRoute({
  getParentRoute: () => root,
  path: paths.sessions,
  validateSearch: readSessionsView,
  component: Sessions,
});

const session = createRoute({
  getParentRoute: () => root,
  path: paths.session,
  validateSearch: readSessionView,
  component: Session,
});

const history = createRoute({
  getParentRoute: () => root,
  path: paths.history,
  validateSearch: readHistoryView,
  component: History,
});

const conversation = createRoute({
  getParentRoute: () => root,
  path: paths.conversation,
  validateSearch: readConversationView,
  component: Conversation,
});

const spend = createRoute({
  getParentRoute: () => root,
  path: paths.spend,
  validateSearch: readSpendView,
  component: Spend,
});

const tools = createRoute({
  getParentRoute: () => root,
  path: paths.tools,
  validateSearch: readToolsView,
  component: Tools,
});

const findings = createRoute({
  getParentRoute: () => root,
  path: paths.findings,
  validateSearch: readFindingsView,
  component: Findings,
});

const settings = createRoute({
  getParentRoute: () => root,
  path: paths.settings,
  component: () => <SettingsScreen />,
});

const flows = createRoute({
  getParentRoute: () => root,
  path: paths.flows,
  validateSearch: readFlowsSearch,
  component: Flows,
});

const flow = createRoute({
  getParentRoute: () => flows,
  path: "$id",
  component: () => null,
});

const search = createRoute({
  getParentRoute: () => root,
  path: paths.search,
  validateSearch: (search: Record<string, unknown>): { q?: string } => readQuery(search),
  component: Search,
});

const health = createRoute({
  getParentRoute: () => root,
  path: paths.health,
  component: () => <HealthScreen flowHref={(id) => flowHref(id, {})} />,
});

const setup = createRoute({
  getParentRoute: () => root,
  path: paths.setup,
  component: () => <FirstRun />,
});

const auth = createRoute({
  getParentRoute: () => root,
  path: paths.auth,
  component: () => null,
});

// A route's search has what its reader left out, too: each screen reads it anew.

function FirstRun() {
  return <SetupScreen history={<Imported />} />;
}

function Sessions() {
  const view = readSessionsView(sessions.useSearch());
  const navigate = useNavigate();
  const look = (next: SessionsView) =>
    void navigate({ to: paths.sessions, search: next, replace: true });
  return <SessionsScreen view={view} onLook={look} />;
}

function Session() {
  const view = readSessionView(session.useSearch());
  const { id } = session.useParams();
  const navigate = useNavigate();
  const look = (next: SessionView) =>
    void navigate({ to: paths.session, params: { id }, search: next, replace: true });
  return (
    <SessionScreen
      key={id}
      id={id}
      view={view}
      onLook={look}
      onLeave={() => leave(() => void navigate({ to: paths.sessions }))}
    />
  );
}

function History() {
  const view = readHistoryView(history.useSearch());
  const navigate = useNavigate();
  const look = (next: HistoryView) =>
    void navigate({ to: paths.history, search: next, replace: true });
  return <HistoryScreen view={view} onLook={look} />;
}

function Conversation() {
  const view = readConversationView(conversation.useSearch());
  const { id } = conversation.useParams();
  const navigate = useNavigate();
  const look = (next: ConversationView) =>
    void navigate({ to: paths.conversation, params: { id }, search: next, replace: true });
  return (
    <ConversationScreen
      key={id}
      id={id}
      view={view}
      onLook={look}
      onLeave={() => leave(() => void navigate({ to: paths.history }))}
    />
  );
}

function Spend() {
  const view = readSpendView(spend.useSearch());
  const navigate = useNavigate();
  const look = (next: SpendView) => void navigate({ to: paths.spend, search: next, replace: true });
  return <SpendScreen view={view} onLook={look} />;
}

function Tools() {
  const view = readToolsView(tools.useSearch());
  const navigate = useNavigate();
  const look = (next: ToolsView) => void navigate({ to: paths.tools, search: next, replace: true });
  return <ToolsScreen view={view} onLook={look} />;
}

function Findings() {
  const view = readFindingsView(findings.useSearch());
  const navigate = useNavigate();
  const look = (next: FindingsView) =>
    void navigate({ to: paths.findings, search: next, replace: true });
  return <FindingsScreen view={view} onLook={look} />;
}

function Search() {
  const { q = "" } = readQuery(search.useSearch());
  const navigate = useNavigate();
  const ask = (next: string) =>
    void navigate({ to: paths.search, search: readQuery({ q: next }), replace: true });
  return <SearchScreen query={q} onQuery={ask} flowHref={(id, hit) => flowHref(id, { ...hit })} />;
}

/** The list and, beside it, the flow that the address names. */
function Flows() {
  const search = readFlowsSearch(flows.useSearch());
  const { id } = useParams({ strict: false });
  const navigate = useNavigate();
  const filter = filterOf(search);
  const open = (flow: string, replace: boolean) => {
    void navigate({ to: paths.flow, params: { id: flow }, search: withoutHit(search), replace });
  };
  const list = () => void navigate({ to: paths.flows, search: withoutHit(search) });
  // The list may have been narrowed since the flow was opened from it: it stays as it is.
  const close = () => (trail.before() === paths.flows ? list() : leave(list));
  const look = (next: Partial<FlowsSearch>) => {
    if (id === undefined) return;
    void navigate({
      to: paths.flow,
      params: { id },
      search: readFlowsSearch({ ...search, ...next }),
      replace: true,
    });
  };
  const setFilter = (next: FlowsSearch) => {
    const view = readFlowsSearch({
      tab: search.tab,
      side: search.side,
      type: search.type,
      ...next,
    });
    if (id === undefined) void navigate({ to: paths.flows, search: view, replace: true });
    else void navigate({ to: paths.flow, params: { id }, search: view, replace: true });
  };
  return (
    <FlowsScreen
      filter={filter}
      onFilter={setFilter}
      selected={id}
      hrefOf={(flow) => flowHref(flow, withoutHit(search))}
      onOpen={open}
      onClose={close}
      firstRun={<FirstRun />}
      detail={
        id === undefined ? null : (
          <FlowDetail
            key={id}
            id={id}
            tab={search.tab ?? "conversation"}
            side={search.side ?? "request"}
            type={search.type}
            hit={search}
            hrefOf={(next) => flowHref(id, readFlowsSearch({ ...search, ...next }))}
            onLook={look}
            onClose={close}
            onFilter={(key, value) => setFilter({ [key]: value })}
          />
        )
      }
    />
  );
}

export const router = createRouter({
  routeTree: root.addChildren([
    home,
    now,
    sessions,
    session,
    history,
    conversation,
    flows.addChildren([flow]),
    spend,
    tools,
    findings,
    search,
    health,
    settings,
    setup,
    auth,
  ]),
  parseSearch,
  stringifySearch: writeSearch,
  defaultPreload: false,
});

const trail = new Trail(router.history);

/** Back to where something was opened from, else to what it is a part of. */
function leave(toParent: () => void): void {
  if (trail.before() === null) toParent();
  else trail.back();
}

declare module "@tanstack/react-router" {
  interface Register {
    router: typeof router;
  }
}
